import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  distinctRights,
  RIGHTS,
  type Right,
  type RightsOf,
  rightKey,
} from '../../../src/lib/domain/rights.ts'
import { type RecordingProxy, startRecordingProxy } from '../../support/recording-proxy.ts'
import { sandboxOnly } from '../cluster/deviations.ts'
import { openProject, type Project } from '../project.ts'

const SMOKE_TESTS = `tests:
  - name: task-service is ready
    http: { service: task-service, path: /health/ready }
`

/** What each command has asked of the API server, its helm included. */
type Asked = Map<RightsOf, Set<string>>

/** Runs every command once with this helm, behind a proxy that writes down what is asked. */
async function record(helm: '3' | '4', asked: Asked): Promise<void> {
  const cluster = { kubeconfig: './recorded.yaml', context: 'recorded' }
  const project = await openProject({ helm, environments: { direct: {}, recorded: { cluster } } })
  let proxy: RecordingProxy | undefined
  const ends = async (exitCode: number, command: RightsOf, ...args: string[]) => {
    proxy?.calls.splice(0)
    const { code, stderr } = await project.emr(command, 'recorded', ...args)
    expect(code, `${command} ${args.join(' ')}: ${stderr}`).toBe(exitCode)
    const keys = (proxy?.calls ?? []).filter(({ group }) => group !== 'authorization.k8s.io').map(rightKey)
    asked.set(command, new Set([...(asked.get(command) ?? []), ...keys]))
  }
  try {
    expect((await project.emr('sandbox', 'start')).code).toBe(0)
    proxy = await startRecordingProxy(join(project.folder, '.emr/sandbox/kubeconfig'))
    writeFileSync(join(project.folder, 'recorded.yaml'), proxy.kubeconfig, { mode: 0o600 })
    writeFileSync(join(project.folder, 'smoke-tests.yaml'), SMOKE_TESTS)
    await ends(0, 'deploy', '--tag', 'v1', '--yes')
    await ends(0, 'deploy', '--tag', 'v2', '--yes')
    await ends(6, 'deploy', '--tag', 'v3-crashloop', '--yes')
    await ends(0, 'rollback', 'all', '--yes')
    await ends(0, 'set', 'api-gateway', 'config.rateLimit.max=200', '--yes')
    await ends(0, 'scale', 'task-service', '3', '--yes')
    await ends(0, 'restart', 'task-service', '--yes')
    // The rest does not ask helm.
    if (helm === '3') return
    await ends(0, 'lock', '--reason', 'maintenance')
    await ends(0, 'unlock')
    await ends(0, 'history', '--verify')
    await ends(0, 'monitor')
    await ends(0, 'diagnose')
    await ends(0, 'logs', 'task-service')
  } finally {
    proxy?.close()
    await project.close()
  }
}

describe('the table of rights', sandboxOnly('recorded-calls'), () => {
  const asked: Asked = new Map()
  beforeAll(async () => {
    for (const helm of ['3', '4'] as const) await record(helm, asked)
    // They share their table, and the way back of one that fails.
    asked.set('set', new Set([...(asked.get('set') ?? []), ...(asked.get('deploy') ?? [])]))
  }, 500_000)

  test.each(Object.keys(RIGHTS) as RightsOf[])('is what emr %s asks, with helm 3 and 4', (command) => {
    const table: Right[] = distinctRights(RIGHTS[command])
    const known = new Set(table.map(rightKey))
    const calls = asked.get(command) ?? new Set()
    expect(
      [...calls].filter((key) => !known.has(key)),
      'asked and not listed',
    ).toEqual([])
    const never = table.filter((right) => right.when === undefined && !calls.has(rightKey(right)))
    expect(never.map(rightKey), 'listed and never asked').toEqual([])
  })
})

describe('an identity without all rights', sandboxOnly('recorded-calls'), () => {
  let project: Project
  beforeAll(async () => {
    project = await openProject({})
    expect((await project.emr('deploy', 'e2e', '--tag', 'v1')).code).toBe(0)
  })
  afterAll(() => project?.close())

  const denied = async (rules: { verb: string; resource: string }[], work: () => Promise<void>) => {
    const faults = project.faults()
    await faults.set({ denied: rules })
    try {
      await work()
    } finally {
      await faults.clear()
      faults.close()
    }
  }
  const revision = async () => {
    const { stdout } = await project.helm(
      'list',
      '--namespace',
      project.namespaceOf('e2e'),
      '--output',
      'json',
    )
    return JSON.parse(stdout).map(({ name, revision }: Record<string, string>) => `${name} ${revision}`)
  }

  test('is told before the first change what it lacks, all at once', async () => {
    const before = await revision()
    await denied(
      [
        { verb: 'watch', resource: 'replicasets' },
        { verb: 'update', resource: 'secrets' },
      ],
      async () => {
        for (const args of [
          ['deploy', 'e2e', '--tag', 'v2'],
          ['rollback', 'e2e', 'all'],
        ]) {
          const { code, stderr } = await project.emr(...args)
          expect(code, stderr).toBe(4)
          expect(stderr).toContain('update secrets')
          expect(stderr).toContain('watch replicasets.apps')
        }
      },
    )
    expect(await revision()).toEqual(before)
  })

  test('without what only explains, a deploy that fails still ends as it should, and says what is not known', async () => {
    const explaining = [
      { verb: '*', resource: 'events' },
      { verb: 'get', resource: 'pods' },
    ]
    await denied(explaining, async () => {
      const { code, stderr } = await project.emr('deploy', 'e2e', '--tag', 'v2-crashloop')
      expect(code, stderr).toBe(6)
      expect(stderr).toContain('Not allowed: ')
      expect(stderr).toMatch(/not known +events: .*cannot list resource "events"/)
      expect(stderr).toMatch(/log +\S+: not known: /)
    })
  })

  test('that may only look gets history, monitor, diagnose and logs', async () => {
    const writes = ['create', 'update', 'patch', 'delete'].map((verb) => ({ verb, resource: '*' }))
    await denied(
      [...writes, { verb: '*', resource: 'nodes' }, { verb: '*', resource: 'secrets' }],
      async () => {
        for (const args of [
          ['history', 'e2e'],
          ['monitor', 'e2e'],
          ['logs', 'e2e', 'task-service'],
        ]) {
          const { code, stderr } = await project.emr(...args)
          expect(code, `${args}: ${stderr}`).toBe(0)
        }
        const { stdout } = await project.emr('monitor', 'e2e')
        expect(stdout).toContain('nodes not evaluated')
        const diagnosis = await project.emr('diagnose', 'e2e', '--json')
        expect(JSON.parse(diagnosis.stdout).notEvaluated.map(({ what }: { what: string }) => what)).toContain(
          'nodes',
        )
      },
    )
  })

  test('and a lock that may not be read is not free', async () => {
    await denied([{ verb: '*', resource: 'leases' }], async () => {
      const { stdout } = await project.emr('doctor', 'e2e', '--json')
      const { checks } = JSON.parse(stdout)
      const lock = checks.find(({ id }: { id: string }) => id === 'cluster.lock')
      expect(lock).toMatchObject({ status: 'warning', detail: expect.stringContaining('not known') })
    })
  })
})
