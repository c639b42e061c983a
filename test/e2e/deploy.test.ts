import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { helmMajors } from '../support/binaries.ts'
import { openProject, type Project, SERVICES } from './project.ts'

describe.each(helmMajors)('emr deploy with helm %s', (helm) => {
  let project: Project
  let namespace: string
  beforeAll(async () => {
    project = await openProject({ helm })
    namespace = project.namespaceOf('e2e')
  })
  afterAll(() => project.close())

  const releases = async (): Promise<{ name: string; status: string; revision: string }[]> => {
    const { stdout } = await project.helm('list', '--namespace', namespace, '--output', 'json')
    return JSON.parse(stdout)
  }
  const images = async (): Promise<Record<string, string>> => {
    const { stdout } = await project.kubectl('get', 'deployments', '-n', namespace, '-o', 'json')
    const { items } = JSON.parse(stdout)
    return Object.fromEntries(
      items.map((item: never) => {
        const { metadata, spec } = item as {
          metadata: { name: string }
          spec: { template: { spec: { containers: { image: string }[] } } }
        }
        return [metadata.name, spec.template.spec.containers[0]?.image.split(':').at(-1)]
      }),
    )
  }

  test('brings five services up in an empty cluster', async () => {
    const { code, stdout, stderr } = await project.emr('deploy', 'e2e', '--yes')
    expect(stderr).toMatch(/Z ✔ api-gateway: 1\.0\.0 ready in /)
    expect(stdout).toMatch(/^✔ e2e: 5 services deployed and ready/)
    expect(code).toBe(0)
    expect((await releases()).map(({ name, status }) => [name, status])).toEqual(
      [...SERVICES].sort().map((name) => [name, 'deployed']),
    )
    const { stdout: pods } = await project.kubectl('get', 'pods', '--namespace', namespace, '--no-headers')
    const rows = pods.trim().split('\n')
    expect(rows.length).toBeGreaterThanOrEqual(SERVICES.length)
    for (const row of rows) expect(row).toMatch(/^\S+\s+1\/1\s+Running/)
  })

  test('the gateway comes last, and one line tells each change', async () => {
    const { stderr } = await project.emr('deploy', 'e2e', '--yes', '--tag', '1.0.1')
    const done = [...stderr.matchAll(/✔ (\S+): 1\.0\.0 → 1\.0\.1 ready/g)].map(([, name]) => name)
    expect(done.at(-1)).toBe('api-gateway')
    expect([...done].sort()).toEqual([...SERVICES].sort())
    for (const line of stderr.split('\n').filter((each) => /ready|helm upgrade/.test(each))) {
      expect(line).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ [•✔] /)
    }
  })

  test('a second time changes nothing, keeps the tag, and says so', async () => {
    const before = await releases()
    const { code, stdout } = await project.emr('deploy', 'e2e', '--yes')
    expect(stdout).toMatch(/^✔ e2e: nothing to change, 5 services ready/)
    expect(code).toBe(0)
    expect(await releases()).toEqual(before)
    expect(await images()).toMatchObject({ 'task-service': '1.0.1' })
  })

  test('--dry-run shows the fields that would change, and changes nothing', async () => {
    const before = await releases()
    const dry = await project.emr(
      'deploy',
      'e2e',
      '--tag',
      'sync-service=1.0.2',
      '--dry-run',
      '--detailed-exitcode',
    )
    expect(dry.stdout).toMatch(/sync-service +upgrade +1\.0\.1 → 1\.0\.2/)
    expect(dry.stdout).toMatch(
      /~ Deployment\/sync-service\n(.*\n)*? +spec\.template\.spec\.containers.*image\n.*- .*:1\.0\.1\n.*\+ .*:1\.0\.2/,
    )
    expect(dry.stdout).toMatch(/1 to upgrade.*Nothing was changed\.|4 unchanged.*Nothing was changed\./)
    expect(dry.code).toBe(10)
    expect(await releases()).toEqual(before)
    expect((await project.emr('deploy', 'e2e', '--dry-run', '--detailed-exitcode')).code).toBe(0)
  })

  test('--services and a tag for one service leave the others alone', async () => {
    const { code, stdout } = await project.emr(
      ...[
        'deploy',
        'e2e',
        '--yes',
        '--json',
        '--services',
        'task-service,emr-service',
        '--tag',
        'emr-service=1.1.0',
      ],
    )
    expect(code).toBe(0)
    const { services } = JSON.parse(stdout)
    expect(services).toMatchObject([
      { service: 'task-service', outcome: 'unchanged' },
      { service: 'emr-service', outcome: 'deployed', image: { after: expect.stringMatching(/:1\.1\.0$/) } },
    ])
    expect(await images()).toMatchObject({
      'task-service': '1.0.1',
      'emr-service': '1.1.0',
      'sync-service': '1.0.1',
    })
  })

  test('what somebody changed by hand is shown and put right', async () => {
    const live = (await images())['task-service'] ?? ''
    const wrong = 'registry.example.com/task-service:9.9.9'
    await project.kubectl('set', 'image', 'deployment/task-service', '-n', namespace, `task-service=${wrong}`)
    const dry = await project.emr('deploy', 'e2e', '--dry-run')
    expect(dry.stdout).toContain(`- ${wrong}`)
    const { code, stderr } = await project.emr('deploy', 'e2e', '--yes')
    expect(stderr).toContain('task-service')
    expect(code).toBe(0)
    expect((await images())['task-service']).toBe(live)
  })

  test('without --yes, nobody can be asked', async () => {
    const { code, stdout } = await project.startAs('deploy', 'e2e', '--tag', '1.2.0', '--json').ended
    // The sandbox asks nothing; every other cluster does.
    if (project.cluster.asks) {
      expect(code).toBe(2)
      expect(JSON.parse(stdout).error.code).toBe('CONFIRMATION_NEEDED')
    } else expect(code).toBe(0)
  })

  test('a protected environment wants its name for every change', async () => {
    const { services } = parse(readFileSync(join(project.folder, 'emr.config.yaml'), 'utf8'))
    const { kubeconfig, context } = project.cluster
    const cluster = { kubeconfig, context }
    const values = ['{chart}/values-development.yaml']
    const environments = { production: { protected: true, cluster, namespace, values } }
    const config = join(project.folder, 'production.yaml')
    writeFileSync(config, stringify({ services, environments }))
    const refused = async (words: string) => {
      const { code, stdout } = await project.emr(...words.split(' '), '--yes', '--json', '--config', config)
      return [words, code, JSON.parse(stdout).error?.code]
    }
    const changes = [
      'deploy production --tag 9.9.9',
      'rollback production all',
      'restart production task-service',
      'set production task-service config.cache.ttlSeconds=30',
    ]
    expect(await Promise.all(changes.map(refused))).toEqual(
      changes.map((words) => [words, 2, 'CONFIRMATION_NEEDED']),
    )
  })
})
