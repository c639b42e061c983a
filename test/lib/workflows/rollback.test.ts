import { Listr } from 'listr2'
import { describe, expect, test } from 'vitest'
import type { ReleaseSet } from '../../../src/lib/domain/release/release-set.ts'
import type { ServiceResult } from '../../../src/lib/workflows/deploy/types.ts'
import { liveStates } from '../../../src/lib/workflows/release-state.ts'
import { planRecovery, recoveryOf } from '../../../src/lib/workflows/rollback/automatic.ts'
import { rollbackOutcome } from '../../../src/lib/workflows/rollback/outcome.ts'
import { prepareRollback } from '../../../src/lib/workflows/rollback/prepare.ts'
import { rollbackTasks } from '../../../src/lib/workflows/rollback/rollback.ts'
import type { RollbackPlan, RollbackRequest } from '../../../src/lib/workflows/rollback/types.ts'
import { FakeCluster, SERVICES } from '../../support/fake-cluster.ts'
import { releaseSet } from '../../support/release-set.ts'

const request = (rest: Partial<RollbackRequest> = {}): RollbackRequest => ({
  services: [],
  to: undefined,
  revision: undefined,
  concurrency: 5,
  timeoutMs: 60_000,
  ...rest,
})

/** All five services on v1, and the good set that says so. */
async function goodCluster(): Promise<{ cluster: FakeCluster; good: ReleaseSet }> {
  const cluster = new FakeCluster()
  cluster.namespaceExists = true
  for (const name of SERVICES) cluster.seed(name, 'v1')
  return { cluster, good: await setOf(cluster, 'good-1') }
}

async function setOf(cluster: FakeCluster, id: string): Promise<ReleaseSet> {
  const live = await liveStates(cluster.ports().helm, SERVICES, AbortSignal.timeout(1000))
  const services = Object.entries(live).map(([name, after]) => [name, { after }])
  return releaseSet(id, { services: Object.fromEntries(services) })
}

async function carryOut(cluster: FakeCluster, plan: RollbackPlan): Promise<ServiceResult[]> {
  const { tasks, results, close } = rollbackTasks(
    cluster.ports(),
    { concurrency: 5, timeoutMs: 60_000 },
    plan,
  )
  await new Listr(tasks, { renderer: 'silent', registerSignalListeners: false, exitOnError: false }).run()
  close()
  return results()
}

describe('rolling back all', () => {
  test('goes gateway first, and touches only what differs', async () => {
    const { cluster, good } = await goodCluster()
    for (const name of ['task-service', 'sync-service', 'api-gateway']) cluster.seed(name, 'v2')
    const plan = await prepareRollback(cluster.ports(), [good], request())
    expect(Object.fromEntries(plan.services.map(({ service, action }) => [service, action]))).toEqual({
      'task-service': 'rollback',
      'emr-service': 'unchanged',
      'sync-service': 'rollback',
      'handover-service': 'unchanged',
      'api-gateway': 'rollback',
    })
    const results = await carryOut(cluster, plan)
    expect(cluster.log[0]).toBe('rollback api-gateway 1')
    expect(cluster.log.slice(1).sort()).toEqual(['rollback sync-service 1', 'rollback task-service 1'])
    expect(results.map(({ outcome }) => outcome).sort()).toEqual([
      ...Array(3).fill('rolled-back'),
      ...Array(2).fill('unchanged'),
    ])
  })

  test('does not trust a revision’s number: it may hold something else by now', async () => {
    const { cluster, good } = await goodCluster()
    // Uninstalled and installed again: revision 1 is another version, and v1 has come back as revision 2.
    cluster.releases.delete('task-service')
    for (const tag of ['v0', 'v1', 'v2']) cluster.seed('task-service', tag)
    const plan = await prepareRollback(cluster.ports(), [good], request({ services: ['task-service'] }))
    expect(plan.services[0]).toMatchObject({ service: 'task-service', target: 2 })
  })

  test('says so when helm does not keep the state any more', async () => {
    const { cluster, good } = await goodCluster()
    cluster.releases.delete('task-service')
    cluster.seed('task-service', 'v2')
    await expect(prepareRollback(cluster.ports(), [good], request())).rejects.toMatchObject({
      code: 'REVISION_GONE',
      exitCode: 4,
      suggestions: [expect.stringContaining('--services task-service --tag v1')],
    })
  })

  test('names a service that is gone, and one that was added', async () => {
    const { cluster, good } = await goodCluster()
    const { 'api-gateway': _, ...services } = good.services
    cluster.releases.delete('emr-service')
    cluster.seed('task-service', 'v2')
    const plan = await prepareRollback(cluster.ports(), [{ ...good, services }], request())
    expect(plan).toMatchObject({ missing: ['emr-service'], added: ['api-gateway'] })
  })

  test('one service that cannot go back does not keep the others from it; exit 7', async () => {
    const { cluster, good } = await goodCluster()
    for (const name of SERVICES) cluster.seed(name, 'v2')
    cluster.behave = (service) => (service === 'api-gateway' ? 'crash' : 'ready')
    const ports = cluster.ports()
    const plan = await prepareRollback(ports, [good], request())
    const results = await carryOut(cluster, plan)
    expect(results.filter(({ outcome }) => outcome === 'rolled-back')).toHaveLength(4)
    expect(() => rollbackOutcome(ports, plan, results, { durationMs: 1, evidence: '/e' })).toThrow(
      expect.objectContaining({ code: 'ROLLBACK_FAILED', exitCode: 7 }),
    )
  })

  test('a release that was left pending is no obstacle', async () => {
    const { cluster, good } = await goodCluster()
    cluster.seed('task-service', 'v2', 'pending-upgrade')
    const results = await carryOut(cluster, await prepareRollback(cluster.ports(), [good], request()))
    expect(cluster.log).toEqual(['rollback task-service 1'])
    expect(results.find(({ service }) => service === 'task-service')?.outcome).toBe('rolled-back')
  })
})

describe('what is asked for in vain', () => {
  test.each([
    [{ services: ['task-servce'] }, 'SERVICE_UNKNOWN', 2],
    [{ to: 'nope' }, 'SET_UNKNOWN', 2],
    [{ services: ['task-service'], revision: 9 }, 'REVISION_GONE', 4],
    [{}, 'NO_GOOD_SET', 4],
  ])('%j', async (rest, code, exitCode) => {
    const { cluster, good } = await goodCluster()
    await expect(prepareRollback(cluster.ports(), [good], request(rest))).rejects.toMatchObject({
      code,
      exitCode,
    })
  })
})

describe('after a failed deploy', () => {
  const result = (service: string, rest: Partial<ServiceResult>): ServiceResult => ({
    service,
    outcome: 'deployed',
    changed: true,
    revision: { before: 1, after: 2 },
    image: { before: undefined, after: undefined },
    durationMs: 1,
    ...rest,
  })

  test('what the deploy has changed goes back, and nothing else', async () => {
    const { cluster, good } = await goodCluster()
    for (const name of ['task-service', 'emr-service', 'sync-service']) cluster.seed(name, 'v2')
    const results = [
      result('task-service', {}),
      result('emr-service', { outcome: 'failed' }),
      // Somebody else's change; this deploy did not touch it.
      result('sync-service', { outcome: 'unchanged', changed: false }),
      result('api-gateway', { outcome: 'skipped', changed: false }),
    ]
    const way = await planRecovery(cluster.ports(), [good], results)
    if ('why' in way) throw new Error(way.why)
    const recovery = recoveryOf(way.set, way.plan, await carryOut(cluster, way.plan))
    expect(recovery).toMatchObject({ state: 'rolled-back', set: 'good-1' })
    expect(cluster.log.sort()).toEqual(['rollback emr-service 1', 'rollback task-service 1'])
  })

  test('what a deploy that was cut off left changed goes back too', async () => {
    const { cluster, good } = await goodCluster()
    cluster.seed('emr-service', 'v2')
    const live = await liveStates(cluster.ports().helm, ['emr-service'], new AbortController().signal)
    const cutOff: ReleaseSet = {
      ...good,
      id: 'cut-off',
      outcome: 'abandoned',
      proven: false,
      services: {
        'emr-service': { before: good.services['emr-service']?.after, after: live['emr-service'] },
        'task-service': {
          before: good.services['task-service']?.after,
          after: good.services['task-service']?.after,
        },
      },
    }
    // Taken up again, it found everything as planned, and failed all the same.
    const results = [result('emr-service', { outcome: 'failed', changed: false })]
    const way = await planRecovery(cluster.ports(), [good, cutOff], results)
    if ('why' in way) throw new Error(way.why)
    expect(way.plan.services.map(({ service }) => service)).toEqual(['emr-service'])
  })

  test('never on a guess: the API server was out of reach', async () => {
    const { cluster, good } = await goodCluster()
    const results = [result('task-service', { outcome: 'failed', unknown: true })]
    expect(await planRecovery(cluster.ports(), [good], results)).toEqual({
      why: expect.stringContaining('the API server was out of reach'),
    })
  })

  test.each([
    ['the deploy had changed nothing', [result('task-service', { outcome: 'failed', changed: false })], true],
    ['there is no earlier good state', [result('task-service', { outcome: 'failed' })], false],
  ])('%s', async (why, results, isGood) => {
    const { cluster, good } = await goodCluster()
    const sets = isGood ? [good] : []
    expect(await planRecovery(cluster.ports(), sets, results)).toEqual({ why, ...(isGood && { set: good }) })
  })
})
