import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LogEntry } from '../../../src/lib/workflows/logs.ts'
import { jsonLines, openProject, type Project } from '../project.ts'

const chart = resolve(import.meta.dirname, '../../../helm/task-service')
/** Together 60: logs of the first are rotated, the second are started again, and with the third it is both. */
const CHATTY = 40
const CRASHING = 15
const FALLING = 5
const INTERVAL_MS = 200
/** A falling pod runs for three seconds: the first lines of each run are rotated away before it ends. */
const FALLING_INTERVAL_MS = 100
/** Lines that a chatty pod's log holds before the oldest are rotated away. */
const KEPT = 25

/** Real time: the sandbox's logs have times by the second, and a faster run would begin where the last one ended. */
const sandbox = { speed: 1, imagePullSeconds: 0, readinessSeconds: 0 }

describe('emr logs', () => {
  let project: Project
  beforeAll(async () => {
    project = await openProject({
      environments: { e2e: {}, empty: {} },
      sandbox,
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
    init: string[] = [],
  ) => {
    const labels = { app: name }
    const resources = { requests: { cpu: '10m', memory: '16Mi' }, limits: { memory: '16Mi' } }
    const securityContext = {
      allowPrivilegeEscalation: false,
      runAsNonRoot: true,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    }
    const container = (named: string) => ({ name: named, image, resources, securityContext })
    const template = {
      metadata: { labels, annotations },
      spec: { initContainers: init.map(container), containers: [container('app')] },
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
    const cloud = await project.emr('logs', 'e2e', '--source', 'rds')
    expect(cloud.stderr).toContain('no AWS account')
  })

  test('refuses a container that no pod has, before it follows, and names those that there are', async () => {
    await apply('migrated', 1, 'app:1.0.0', {}, ['migrate'])
    await project.kubectl('rollout', 'status', 'deployment/migrated', '-n', project.namespaceOf('e2e'))
    const nobody = await project.emr('logs', 'e2e', '--container', 'nobody')
    const known = '  → the containers are: migrate, app, task-service\n'
    expect(nobody).toEqual({
      code: 2,
      stdout: '',
      stderr: `✖ No pod of e2e has a container 'nobody'\n${known}`,
    })
    expect((await project.emr('logs', 'e2e', '--container', 'migrate')).code).toBe(0)
    await project.kubectl('delete', 'deployment', 'migrated', '-n', project.namespaceOf('e2e'))
    const followed = await project.emr('logs', 'e2e', 'task-service', '--follow', '-c', 'app')
    expect(followed.stderr).toBe(
      "✖ No pod of task-service has a container 'app'\n  → the containers are: task-service\n",
    )
    const empty = await project.emr('logs', 'empty', '--container', 'nobody')
    expect(empty).toEqual({ code: 0, stdout: '', stderr: 'No log line fits what was asked for\n' })
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
    await apply('falling', FALLING, 'app:1.0.0-oom', {
      'sandbox.emr/log-interval-ms': String(FALLING_INTERVAL_MS),
      'sandbox.emr/log-keep': String(KEPT),
    })
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
    await expect.poll(() => restarted().size, { timeout: 60_000 }).toBe(CRASHING + FALLING)
    faults.close()
    const fewest = (of: string) => Math.min(...[...podsOf(entries, of).values()].map(({ length }) => length))
    await expect.poll(() => fewest('chatty-'), { timeout: 60_000 }).toBeGreaterThan(KEPT + 5)
    await expect.poll(() => fewest('crashing-'), { timeout: 60_000 }).toBeGreaterThanOrEqual(8)
    await expect.poll(() => fewest('falling-'), { timeout: 60_000 }).toBeGreaterThan(2 * KEPT)
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
    expect(podsOf(entries, 'falling-').size).toBe(FALLING)
    for (const [pod, lines] of podsOf(entries, 'falling-')) {
      const runs = runsOf(lines.map(({ text }) => JSON.parse(text)))
      expect(runs.length, pod).toBeGreaterThanOrEqual(2)
      const requests = runs.map((run) => run.filter(({ msg }) => msg === 'request').length)
      // More than its log ever held.
      expect(Math.max(...requests), pod).toBeGreaterThan(KEPT)
      for (const run of runs) {
        const times = run.filter(({ msg }) => msg === 'request').map(({ time }) => Date.parse(time))
        const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0))
        expect(new Set(gaps), `${pod}: ${gaps.join(' ')}`).toEqual(new Set([FALLING_INTERVAL_MS]))
      }
      // Each run but the one that was still at work has its last words, once.
      for (const run of runs.slice(0, -1))
        expect(run.filter(({ msg }) => msg === 'heap close to its limit')).toHaveLength(1)
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

  test('what these pods wrote can be asked for: of the previous run, of a moment, of a container, in colours', async () => {
    const entriesOf = async (...args: string[]): Promise<LogEntry[]> =>
      JSON.parse((await project.emr('logs', 'e2e', ...args, '--json')).stdout).entries
    const previous = await entriesOf('--previous', '--container', 'app', '--grep', 'exiting with code')
    expect(new Set(previous.map(({ pod }) => pod)).size).toBe(CRASHING)
    expect(previous.every(({ pod, text }) => pod.startsWith('crashing-') && text.includes('code 1'))).toBe(
      true,
    )

    const before = Date.now()
    const recent = await entriesOf('--since', '2s', '--container', 'app', '--grep', '"msg":"request"')
    // Kubernetes knows whole seconds.
    expect(Math.min(...recent.map(({ time }) => Date.parse(time)))).toBeGreaterThan(before - 4_000)
    const chatty = [...podsOf(recent, 'chatty-').values()]
    expect(chatty).toHaveLength(CHATTY)
    expect(Math.max(...chatty.map(({ length }) => length))).toBeLessThan(KEPT)

    const own = await entriesOf('--container', 'task-service', '--tail', '1')
    expect(own.map(({ container }) => container)).toEqual(['task-service', 'task-service'])

    const argv = [resolve('bin/run.js'), 'logs', 'e2e', 'task-service', '--tail', '2']
    const env = { ...process.env, FORCE_COLOR: '1', NO_COLOR: undefined }
    const { stdout } = await promisify(execFile)(process.execPath, argv, { cwd: project.folder, env })
    const prefixes = stdout
      .replaceAll('\u001b', 'ESC')
      .matchAll(/^ESC\[(\d+)m(task-service-\S+)ESC\[39m \{/gm)
    const colours = Map.groupBy(prefixes, ([, , pod]) => pod)
    expect(colours.size).toBe(2)
    for (const lines of colours.values()) expect(new Set(lines.map(([, colour]) => colour)).size).toBe(1)
  })

  test('a roll-out is marked: new pods with its revision, and those that ended', async () => {
    const following = project.start('logs', 'e2e', 'task-service', '--follow', '--output', 'ndjson')
    const entries = jsonLines<LogEntry>(following)
    await expect.poll(() => podsOf(entries, 'task-service-').size, { timeout: 60_000 }).toBe(2)
    const old = new Set(podsOf(entries, 'task-service-').keys())
    await project.kubectl('rollout', 'restart', 'deployment/task-service', '-n', project.namespaceOf('e2e'))
    const marked = (text: string) => [
      ...new Set(entries.filter((each) => each.type === 'mark' && each.text === text).map(({ pod }) => pod)),
    ]
    await expect.poll(() => marked('ended').sort(), { timeout: 60_000 }).toEqual([...old].sort())
    const made = marked('new pod of revision 2')
    expect(made).toHaveLength(2)
    expect(made.filter((pod) => old.has(pod))).toEqual([])
    following.child.kill('SIGINT')
    expect((await following.ended).code).toBe(130)
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

interface Line {
  time: string
  msg: string
}

/** The lines of one container, by run. */
function runsOf(lines: Line[]): Line[][] {
  const runs: Line[][] = []
  for (const line of lines) {
    if (line.msg === 'starting' || runs.length === 0) runs.push([])
    runs.at(-1)?.push(line)
  }
  return runs
}
