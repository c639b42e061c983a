import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Ajv } from 'ajv'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { jsonLines, openProject, type Project } from '../project.ts'
import { changesIn, expectWhole, type Told } from './told.ts'

/** Checks what was printed against a schema of docs/. */
function assertPublished(schema: string, printed: unknown[]): void {
  const file = resolve(import.meta.dirname, '../../../docs', schema)
  const validate = new Ajv({ strict: false }).compile(JSON.parse(readFileSync(file, 'utf8')))
  for (const value of printed) expect(validate(value), JSON.stringify(validate.errors)).toBe(true)
}

const chart = resolve(import.meta.dirname, '../../../helm/task-service')

describe('emr monitor through a pipe', () => {
  let project: Project
  beforeAll(async () => {
    project = await openProject({
      environments: { e2e: {}, empty: {} },
      services: { 'task-service': { chart } },
      env: { EMR_ENVIRONMENT: 'e2e' },
    })
    expect((await project.emr('deploy', 'e2e', '--skip-smoke-tests')).code).toBe(0)
  })
  afterAll(() => project.close())

  test('prints one picture, whose exit code is the health', async () => {
    const { code, stdout } = await project.emr('monitor')
    expect(stdout).toMatch(/^e2e ✔ healthy/)
    expect(stdout).toMatch(/task-service +✔ ready +2\/2 +1\.0\.0 +1 /)
    expect(stdout).toMatch(/ip-10-0-\S+ +✔ ready +\d+ %/)
    expect(code).toBe(0)
    const empty = await project.emr('monitor', 'empty', '--json')
    expect(JSON.parse(empty.stdout)).toMatchObject({ health: 'unhealthy', services: [{ state: 'missing' }] })
    expect(empty.code).toBe(1)
    const { stdout: healthy } = await project.emr('monitor', '--json')
    assertPublished('monitor.schema.json', [JSON.parse(empty.stdout), JSON.parse(healthy)])
  })

  test('what an identity of one namespace may not read is said to be not evaluated', async () => {
    const faults = project.faults()
    await faults.set({ denied: [{ verb: '*', resource: 'nodes' }] })
    const { code, stdout } = await project.emr('monitor')
    await faults.clear()
    faults.close()
    expect(stdout).toMatch(/▲ nodes not evaluated: .*forbidden/)
    expect(stdout).toMatch(/^e2e ✔ healthy/)
    expect(code).toBe(0)
  })

  test('tells changes only, each once, over 429 and 410 answers and expired credentials', async () => {
    const watching = project.start('monitor', '--watch', '--output', 'ndjson')
    const told = jsonLines<Told>(watching)
    await expect.poll(() => told.length, { timeout: 30_000 }).toBe(1)
    expect(told[0]).toMatchObject({ type: 'picture', environment: 'e2e', health: 'healthy' })
    const pods = () => changesIn(told, 'source', 'pods').map(({ after }) => after)
    const isTold = (words: string) => () => pods().some((text) => text?.includes(words))
    const faults = project.faults()
    await faults.set({ errors: [{ status: 429, retryAfterSeconds: 1, share: 1 }] })
    await faults.dropWatches()
    await expect.poll(isTold('too many requests'), { timeout: 60_000 }).toBe(true)
    await faults.clear()
    await expect.poll(() => pods().at(-1), { timeout: 60_000 }).toBe('ok')
    // While it stands still, the server forgets where its watches were: 410, and a new list.
    watching.child.kill('SIGSTOP')
    await faults.dropWatches()
    await faults.forgetHistory(project.namespaceOf('e2e'))
    expect((await project.emr('deploy', 'e2e', '--tag', '1.0.1', '--skip-smoke-tests')).code).toBe(0)
    watching.child.kill('SIGCONT')
    await faults.set({ refuseTokens: true })
    await faults.dropWatches()
    await expect.poll(isTold('does not accept the credentials'), { timeout: 60_000 }).toBe(true)
    await faults.clear()
    faults.close()
    const isNew = () => changesIn(told, 'service').filter(({ after }) => after === 'ready 2/2 1.0.1')
    await expect.poll(() => isNew().length, { timeout: 60_000 }).toBe(1)
    await expectWhole(told, project)
    watching.child.kill('SIGINT')
    expect((await watching.ended).code).toBe(130)
    assertPublished('monitor-events.schema.json', told)
  })

  test('prints timestamped lines, and no escape sequence', async () => {
    const { code, stdout } = await project.emr('monitor', '--until', 'healthy', '--timeout', '30s')
    expect(code).toBe(0)
    const lines = stdout.trim().split('\n')
    expect(lines.every((line) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \S/.test(line))).toBe(true)
    expect(stdout).toMatch(/Z service task-service: ready 2\/2 1\.0\.1$/m)
    expect(lines.at(-1)).toMatch(/Z e2e: healthy$/)
    expect(stdout).not.toContain('\x1b')
  })

  test('--until healthy that is not met in time gives 9, also as an error', async () => {
    const { code, stderr } = await project.emr('monitor', 'empty', '--until', 'healthy', '--timeout', '2s')
    expect(code).toBe(9)
    expect(stderr).toContain('Not healthy within 2.0 s')
    expect(stderr).toMatch(/emr diagnose empty$/m)
  })

  test('pods that a Service does not lead to are not healthy', async () => {
    const selector = (app: string) => {
      const patch = JSON.stringify({ spec: { selector: { 'app.kubernetes.io/name': app } } })
      const where = ['--namespace', project.namespaceOf('e2e')]
      return project.kubectl('patch', 'service', 'task-service', ...where, '--patch', patch)
    }
    await selector('other')
    const { code, stdout } = await project.emr('monitor')
    expect(stdout).toMatch(/^e2e ✖ unhealthy/)
    expect(stdout).toMatch(/Service\/task-service +✖ NoPods +no pods have the labels .*name=other/)
    expect(code).toBe(1)
    await selector('task-service')
    expect((await project.emr('monitor', '--until', 'healthy', '--timeout', '30s')).code).toBe(0)
  })

  test('bad input', async () => {
    expect((await project.emr('monitor', '--watch', '--json')).code).toBe(2)
    expect((await project.emr('monitor', '--timeout', '5s')).code).toBe(2)
    expect((await project.emr('monitor', '--until', 'sunday')).code).toBe(2)
  })
})
