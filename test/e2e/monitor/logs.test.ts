import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LogEntry } from '../../../src/lib/workflows/logs.ts'
import { jsonLines, onSandbox, openProject, type Project } from '../project.ts'

const chart = resolve(import.meta.dirname, '../../../helm/task-service')
/** Together 60: these write, and their logs are rotated; those crash, and are started again. */
const CHATTY = 45
const CRASHING = 15
const INTERVAL_MS = 200
/** Lines that a chatty pod's log holds before the oldest are rotated away. */
const KEPT = 25

/** Real time: the sandbox's logs have times by the second, and a faster run would begin where the last one ended. */
const sandbox = { speed: 1, imagePullSeconds: 0, readinessSeconds: 0 }

describe.skipIf(!onSandbox)('emr logs', () => {
  let project: Project
  beforeAll(async () => {
    project = await openProject({
      environments: { e2e: { cluster: { sandbox } } },
      services: { 'task-service': { chart } },
    })
    expect((await project.emr('deploy', 'e2e', '--skip-smoke-tests')).code).toBe(0)
  })
  afterAll(() => project.close())

  const apply = async (
    name: string,
    replicas: number,
    image: string,
    annotations: Record<string, string> = {},
  ) => {
    const labels = { app: name }
    const resources = { requests: { cpu: '10m', memory: '16Mi' }, limits: { memory: '16Mi' } }
    const securityContext = {
      allowPrivilegeEscalation: false,
      runAsNonRoot: true,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    }
    const template = {
      metadata: { labels, annotations },
      spec: { containers: [{ name: 'app', image, resources, securityContext }] },
    }
    const deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace: project.namespaceOf('e2e') },
      spec: { replicas, selector: { matchLabels: labels }, template },
    }
    const file = join(project.folder, `${name}.json`)
    writeFileSync(file, JSON.stringify(deployment))
    expect(await project.kubectl('apply', '-f', file)).toMatchObject({ code: 0 })
  }

  test('reads the last lines of all pods in the order of time, and one service as JSON', async () => {
    const { code, stdout } = await project.emr('logs', 'e2e', '--tail', '3')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^task-service-\w+-\w+ \{"time".*"msg":"listening"/m)
    const { entries } = JSON.parse((await project.emr('logs', 'e2e', 'task-service', '--json')).stdout)
    const times = entries.map(({ time }: LogEntry) => time)
    expect(times).toEqual([...times].sort())
    expect(new Set(entries.map(({ pod }: LogEntry) => pod)).size).toBe(2)
    const { stdout: some } = await project.emr('logs', 'e2e', '--grep', 'database pool')
    expect(
      some
        .trim()
        .split('\n')
        .every((line) => line.includes('database pool ready')),
    ).toBe(true)
  })

  test('refuses what makes no sense, with what to type instead', async () => {
    const pattern = await project.emr('logs', 'e2e', '--grep', 'a(')
    expect(pattern.code).toBe(2)
    expect(pattern.stderr).toContain('--grep is no regular expression')
    expect((await project.emr('logs', 'e2e', '--follow', '--json')).code).toBe(2)
    expect((await project.emr('logs', 'e2e', '--follow', '--previous')).code).toBe(2)
    const nobody = await project.emr('logs', 'e2e', '--container', 'nobody')
    expect(nobody).toEqual({ code: 0, stdout: '', stderr: 'No log line fits what was asked for\n' })
    const cloud = await project.emr('logs', 'e2e', '--source', 'rds')
    expect(cloud.stderr).toContain('no AWS account')
  })

  test('--unmasked is recorded', async () => {
    expect((await project.emr('logs', 'e2e', '--unmasked', '--tail', '1')).code).toBe(0)
    const { stdout } = await project.kubectl(
      'get',
      'configmaps',
      '-n',
      project.namespaceOf('e2e'),
      '-o',
      'json',
    )
    expect(stdout).toContain('\\"operation\\":\\"logs\\"')
  })

  test('60 pods with rotation, restarts and lost connections: every line once, in order of its container', async () => {
    await apply('chatty', CHATTY, 'app:1.0.0', {
      'sandbox.emr/log-interval-ms': String(INTERVAL_MS),
      'sandbox.emr/log-keep': String(KEPT),
    })
    await project.kubectl('rollout', 'status', 'deployment/chatty', '-n', project.namespaceOf('e2e'))
    const following = project.start('logs', 'e2e', '--follow', '--output', 'ndjson')
    const entries = jsonLines<LogEntry>(following)
    await expect.poll(() => podsOf(entries, 'chatty-').size, { timeout: 60_000 }).toBe(CHATTY)
    await apply('crashing', CRASHING, 'app:1.0.0-crashloop')
    const faults = project.faults()
    for (let index = 0; index < 3; index += 1) {
      await delay(1_000)
      await faults.dropWatches()
    }
    await faults.silence(1)
    const restarted = () =>
      new Set(
        entries.flatMap(({ type, text, pod }) =>
          type === 'mark' && text.startsWith('restarted') ? [pod] : [],
        ),
      )
    await expect.poll(() => restarted().size, { timeout: 60_000 }).toBe(CRASHING)
    faults.close()
    const fewest = (of: string) => Math.min(...[...podsOf(entries, of).values()].map(({ length }) => length))
    await expect.poll(() => fewest('chatty-'), { timeout: 60_000 }).toBeGreaterThan(KEPT + 5)
    await expect.poll(() => fewest('crashing-'), { timeout: 60_000 }).toBeGreaterThanOrEqual(8)
    following.child.kill('SIGINT')
    expect((await following.ended).code).toBe(130)

    for (const [pod, lines] of podsOf(entries, 'chatty-')) {
      const times = lines.flatMap(({ text }) =>
        text.includes('"msg":"request"') ? Date.parse(JSON.parse(text).time) : [],
      )
      const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0))
      // Rotation took the first lines; from the first one seen on, each is there once.
      expect(new Set(gaps), `${pod}: ${gaps.join(' ')}`).toEqual(new Set([INTERVAL_MS]))
      expect(times.length).toBeGreaterThan(KEPT)
    }
    expect(podsOf(entries, 'crashing-').size).toBe(CRASHING)
    for (const [pod, lines] of podsOf(entries, 'crashing-')) {
      const words = lines.map(({ text }) => JSON.parse(text).msg as string)
      const run = [
        'starting',
        'configuration loaded',
        'cannot connect to the database',
        'uncaught error, exiting with code 1',
      ]
      expect(words.length, pod).toBeGreaterThanOrEqual(run.length * 2)
      expect(words, pod).toEqual(words.map((_, index) => run[index % run.length]))
    }
  })

  test('a reader that leaves ends it quietly', async () => {
    const { child, ended } = project.start('logs', 'e2e', '--follow')
    child.stdout?.once('data', () => child.stdout?.destroy())
    await once(child, 'close')
    expect((await ended).stderr).not.toMatch(/EPIPE|bug/)
  })

  test('lines that cannot be stored end it, told in one line', async () => {
    const argv = [process.execPath, resolve('bin/run.js'), 'logs', 'e2e', '--follow']
    const run = promisify(execFile)('sh', ['-c', '"$0" "$@" > /dev/full', ...argv], { cwd: project.folder })
    await expect(run).rejects.toMatchObject({
      code: 1,
      stderr: 'The output could not be written: ENOSPC: no space left on device, write\n',
    })
  })
})

/** The lines of each pod whose name begins so. */
function podsOf(entries: LogEntry[], prefix: string): Map<string, LogEntry[]> {
  return Map.groupBy(
    entries.filter(({ type, pod }) => type === 'line' && pod.startsWith(prefix)),
    ({ pod }) => pod,
  )
}
