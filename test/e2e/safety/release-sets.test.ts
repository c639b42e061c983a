import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { helmMajors } from '../../support/binaries.ts'
import { openProject, type Project, SERVICES } from '../project.ts'

const smokeTests = resolve(import.meta.dirname, '../../../smoke-tests.yaml')

interface SetDocument {
  id: string
  operation: string
  outcome: string
  restored?: string
  services: Record<string, { before?: { image: string }; after?: { image: string; revision: number } }>
}

/** The story of one environment, told in order: each test goes on where the one before it ended. */
describe.each(helmMajors)('release sets with helm %s', (helm) => {
  let project: Project
  beforeAll(async () => {
    project = await openProject({
      helm,
      environments: {
        sandbox: { rollout: { podCreation: '1s' } },
        development: {},
        staging: {},
        production: {},
      },
    })
    copyFileSync(smokeTests, join(project.folder, 'smoke-tests.yaml'))
  })
  afterAll(() => project?.close())

  const namespace = () => project.namespaceOf('sandbox')
  const tags = async (): Promise<Record<string, string>> => {
    const { stdout } = await project.kubectl('get', 'deployments', '-n', namespace(), '-o', 'json')
    const items = JSON.parse(stdout).items as {
      metadata: { name: string }
      spec: { template: { spec: { containers: { image: string }[] } } }
    }[]
    return Object.fromEntries(
      items.map(({ metadata, spec }) => [
        metadata.name,
        spec.template.spec.containers[0]?.image.split(':').at(-1) ?? '',
      ]),
    )
  }
  const all = (tag: string) => Object.fromEntries(SERVICES.map((name) => [name, tag]))
  const history = async (): Promise<SetDocument[]> => {
    const { stdout } = await project.emr('history', 'sandbox', '--json')
    return JSON.parse(stdout).sets
  }

  /** Deploys v2 of all; one of them starts again and again. */
  const crashLoop = (flag: string) =>
    project.emr('deploy', 'sandbox', '--tag', 'v2', '--tag', 'sync-service=v2-crashloop', flag)

  test('a deploy whose smoke tests pass leaves a good set of all services', async () => {
    const { code, stderr } = await project.emr('deploy', 'sandbox', '--tag', 'v1')
    expect(stderr).toMatch(/✔ Smoke tests: 13 passed, 5 skipped/)
    expect(code).toBe(0)
    const [set] = await history()
    expect(set).toMatchObject({ operation: 'deploy', outcome: 'good' })
    expect(Object.keys(set?.services ?? {}).sort()).toEqual([...SERVICES].sort())
    expect(set?.services['task-service']).toMatchObject({
      after: { revision: 1, image: expect.stringMatching(/:v1$/) },
    })
  })

  test('one service crash-loops: evidence, all changed services back, exit 6', async () => {
    const failed = await crashLoop('--json')
    expect(failed.code).toBe(6)
    const { error } = JSON.parse(failed.stdout)
    expect(error).toMatchObject({
      code: 'ROLLED_BACK',
      exitCode: 6,
      details: { recovery: { state: 'rolled-back' } },
    })
    expect(existsSync(join(error.details.evidence, 'sync-service.json'))).toBe(true)
    expect(await tags()).toEqual(all('v1'))
    expect((await project.emr('smoke-test', 'sandbox')).code).toBe(0)
    const [set, good] = await history()
    expect(set).toMatchObject({ outcome: 'rolled-back', restored: good?.id })
  })

  test('with --no-rollback: exit 7, and the state of the others said plainly', async () => {
    const failed = await crashLoop('--no-rollback')
    expect(failed.code).toBe(7)
    expect(failed.stderr).toMatch(
      /deployed: task-service, emr-service, handover-service; failed: sync-service; skipped: api-gateway/,
    )
    expect(failed.stderr).toContain('rollback   none: it was turned off by --no-rollback')
    expect(failed.stderr).toContain('→ go back: emr rollback sandbox all')
    expect(await tags()).toMatchObject({
      'task-service': 'v2',
      'sync-service': 'v2-crashloop',
      'api-gateway': 'v1',
    })
  })

  test('emr rollback all brings the last good set back, touching only what differs', async () => {
    const dry = await project.emr('rollback', 'sandbox', 'all', '--dry-run')
    expect(dry.code).toBe(0)
    expect(dry.stdout).toMatch(/task-service +rollback v2 → v1/)
    expect(dry.stdout).toMatch(/api-gateway +unchanged/)
    expect(await tags()).toMatchObject({ 'task-service': 'v2' })
    const back = await project.emr('rollback', 'sandbox', 'all')
    expect(back.stderr).toMatch(/✔ api-gateway: unchanged[\s\S]*✔ task-service: v2 → v1/)
    expect(back.stdout).toMatch(/^✔ sandbox: 4 services back and ready, 1 unchanged/)
    expect(back.code).toBe(0)
    expect(await tags()).toEqual(all('v1'))
  })

  test('v2 is good, v3 is ready but fails its smoke tests: back to v2 by itself', async () => {
    expect((await project.emr('deploy', 'sandbox', '--tag', 'v2')).code).toBe(0)
    const strict = readFileSync(smokeTests, 'utf8')
      .replace(
        /(x-service-name: task-service), x-service-version: [^}]*\}"/,
        '$1, x-service-version: "/^v[12]$/"',
      )
      // Failing tests are not to be waited for longer than they need.
      .replace(/^defaults:.*$/m, 'defaults: { timeout: 5s, attempts: 2, pause: 100ms }')
    writeFileSync(join(project.folder, 'smoke-tests.yaml'), strict)
    const failed = await project.emr('deploy', 'sandbox', '--tag', 'v3')
    expect(failed.stderr).toContain('The services are ready, but smoke tests fail')
    expect(failed.stderr).toContain("header x-service-version is 'v3', not '/^v[12]$/'")
    expect(failed.code).toBe(6)
    expect(await tags()).toEqual(all('v2'))
    const [set] = await history()
    expect(existsSync(join(project.folder, '.emr/diagnostics', set?.id ?? '', 'smoke-tests.json'))).toBe(true)
  })

  test('a manual helm upgrade of one service, and a service that was added since', async () => {
    const chart = resolve(import.meta.dirname, '../../../helm/emr-service')
    const where = ['--namespace', namespace()]
    const values = ['--values', join(chart, 'values-development.yaml'), '--set-string', 'image.tag=v9']
    const global = ['--set-string', 'global.environment=sandbox']
    const manual = await project.helm('upgrade', 'emr-service', chart, ...where, ...values, ...global)
    expect(manual.code, manual.stderr).toBe(0)
    expect(await tags()).toMatchObject({ 'emr-service': 'v9' })
    const back = await project.emr('rollback', 'sandbox', 'all')
    expect(back.stdout).toMatch(/^✔ sandbox: 1 service back and ready, 4 unchanged/)
    expect(await tags()).toEqual(all('v2'))
  })

  test('from a good set that runs, back to the good one before it; one service alone', async () => {
    const one = await project.emr('rollback', 'sandbox', 'task-service')
    expect(one.code, one.stderr).toBe(0)
    expect(await tags()).toEqual({ ...all('v2'), 'task-service': 'v1' })
    const rest = await project.emr('rollback', 'sandbox', 'all')
    expect(rest.code, rest.stderr).toBe(0)
    expect(await tags()).toEqual(all('v1'))
    const second = (await history()).find(({ services }) =>
      /:v2$/.test(services['sync-service']?.after?.image ?? ''),
    )
    const revision = String(second?.services['sync-service']?.after?.revision)
    const forward = await project.emr('rollback', 'sandbox', 'sync-service', '--revision', revision)
    expect(forward.code, forward.stderr).toBe(0)
    expect(await tags()).toEqual({ ...all('v1'), 'sync-service': 'v2' })
  })

  test('to a named set, after a rollback to it that failed', async () => {
    const first = (await history()).at(-1)?.id ?? ''
    const back = () => project.emr('rollback', 'sandbox', 'all', '--to', first, '--json')
    await project.kubectl('create', 'quota', 'full', '-n', namespace(), '--hard=pods=1')
    const refused = await back()
    expect(refused.code).toBe(7)
    expect(refused.stderr).toContain('exceeded quota: full')
    await project.kubectl('delete', 'quota', 'full', '-n', namespace())
    const again = await back()
    expect(again.code, again.stderr).toBe(0)
    expect(JSON.parse(again.stdout)).toMatchObject({ set: first })
    expect(await tags()).toEqual(all('v1'))
    const unknown = await project.emr('rollback', 'sandbox', 'all', '--to', '1999')
    expect(unknown.code).toBe(2)
    expect(unknown.stderr).toContain("There is no release set '1999'")
  })

  test('everything is on record, and a forged entry is found', async () => {
    const verified = await project.emr('history', 'sandbox', '--verify', '--limit', '100')
    expect(verified.stdout).toMatch(/audit log: \d+ entries, unbroken/)
    expect(verified.code).toBe(0)
    const name = 'emr-audit-000002'
    const read = await project.kubectl('get', 'configmap', name, '-n', namespace(), '-o', 'json')
    const forged = JSON.parse(read.stdout)
    forged.data['record.json'] = forged.data['record.json'].replace('rolled-back', 'good')
    delete forged.metadata.resourceVersion
    delete forged.metadata.uid
    await project.kubectl('delete', 'configmap', name, '-n', namespace())
    writeFileSync(join(project.folder, 'forged.json'), JSON.stringify(forged))
    const made = await project.kubectl('create', '-f', join(project.folder, 'forged.json'))
    expect(made.code, made.stderr).toBe(0)
    const caught = await project.emr('history', 'sandbox', '--verify')
    expect(caught.code).toBe(1)
    expect(caught.stdout).toContain('entry 2 was changed after it was written')
  })
})
