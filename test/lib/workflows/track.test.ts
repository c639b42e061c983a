import { expect, test } from 'vitest'
import type { WorkloadWatch } from '../../../src/lib/adapters/kubernetes/workload-watch.ts'
import type { JobFacts } from '../../../src/lib/domain/rollout/facts.ts'
import { trackHooks, trackRollout } from '../../../src/lib/workflows/deploy/track.ts'
import type { ServicePlan } from '../../../src/lib/workflows/deploy/types.ts'
import { FakeCluster } from '../../support/fake-cluster.ts'
import { thresholds } from '../domain/rollout/facts.ts'

function track(cluster: FakeCluster) {
  const signal = AbortSignal.timeout(10_000)
  const ports = cluster.ports()
  return { ports, watch: ports.workloads.watch(signal), signal, changedAt: 0, onProgress: () => undefined }
}

test('a Deployment that is gone when helm has ended is a verdict', async () => {
  const given = track(new FakeCluster())
  given.ports.workloads.generation = async () => undefined
  await expect(trackRollout(given, ['task-service'])).rejects.toMatchObject({
    finding: { code: 'DEPLOYMENT_GONE' },
  })
})

test('the roll-out before this one is no proof: it is waited for the generation that helm made', async () => {
  const cluster = new FakeCluster()
  cluster.seed('task-service', 'v1')
  const given = track(cluster)
  given.ports.workloads.generation = async () => 2
  let done = false
  const tracked = trackRollout(given, ['task-service']).then(() => {
    done = true
  })
  // Each look at the watch asks for the roll-out once.
  const looks = () => new Promise<void>((resolve) => cluster.watch.once('looked', () => resolve()))
  const { rollout } = cluster.watch
  cluster.watch.rollout = (name) => {
    setImmediate(() => cluster.watch.emit('looked'))
    return rollout(name)
  }
  await looks()
  expect(done).toBe(false)
  cluster.seed('task-service', 'v2')
  await tracked
})

test.each([
  ['of this revision that has failed for good is a verdict', [], 'BackoffLimitExceeded: no more tries'],
  ['of an earlier revision says nothing of this one', ['uid'], 'helm has ended'],
])('a hook %s', async (_, former, end) => {
  const cluster = new FakeCluster()
  const failure = { reason: 'BackoffLimitExceeded', message: 'no more tries' }
  const job: JobFacts = { uid: 'uid', name: 'migrate', succeeded: false, failedPods: 1, failure }
  const helm = new AbortController()
  const look = () => {
    setImmediate(() => helm.abort(new Error('helm has ended')))
    return { job, pods: [] }
  }
  const watch = Object.assign(cluster.watch, { job: look }) as unknown as WorkloadWatch
  const plan = { hookJobs: ['migrate'] } as unknown as ServicePlan
  const tracked = trackHooks({ watch, signal: helm.signal }, plan, new Set(former), thresholds)
  await expect(tracked).rejects.toThrow(end)
})
