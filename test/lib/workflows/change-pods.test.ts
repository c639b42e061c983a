import { expect, test } from 'vitest'
import type { Scale } from '../../../src/lib/adapters/kubernetes/scaling.ts'
import {
  isDone,
  type PodsPorts,
  podsOutcome,
  podsTasks,
  preparePods,
} from '../../../src/lib/workflows/change-pods.ts'
import type { Journal } from '../../../src/lib/workflows/record/journal.ts'
import { FakeCluster } from '../../support/fake-cluster.ts'

function world(scale: Scale) {
  const cluster = new FakeCluster()
  cluster.seed('task-service', 'v1')
  const ports: PodsPorts = {
    ...cluster.ports(),
    scaling: {
      read: async () => scale,
      setReplicas: async (_name, count) => void cluster.log.push(`replicas ${count}`),
      setMinimum: async (_name, count) => void cluster.log.push(`minimum ${count}`),
      restart: async () => void cluster.log.push('restart'),
    },
  }
  const journal: Pick<Journal, 'phase'> = {
    phase: async (name, _signal, work) => {
      cluster.log.push(name)
      return work()
    },
  }
  const run = async (replicas?: number) => {
    const plan = await preparePods(ports, 'task-service', replicas)
    const { tasks, results, close } = podsTasks(ports, plan, 5_000, journal)
    const { Listr } = await import('listr2')
    await new Listr(tasks, { renderer: 'silent' }).run()
    close()
    const [result] = results()
    if (result === undefined) throw new Error('no result')
    return { plan, outcome: podsOutcome(ports, plan, result) }
  }
  return { cluster, ports, run }
}

const scaler = (min: number, max: number) => ({ name: 'task-service', min, max })

test('without an autoscaler, the Deployment is scaled, and that it is patched is on record first', async () => {
  const { cluster, run } = world({ replicas: 2 })
  expect((await run(5)).outcome).toMatchObject({ outcome: 'scaled', replicas: 5 })
  expect(cluster.log).toEqual(['patch', 'replicas 5'])
})

test('an autoscaler gets the minimum, and the pods that are missing are started at once', async () => {
  const { cluster, run } = world({ replicas: 2, autoscaler: scaler(2, 10) })
  await run(5)
  expect(cluster.log).toEqual(['patch', 'minimum 5', 'replicas 5'])
})

test('an autoscaler takes pods away by itself', async () => {
  const { cluster, run } = world({ replicas: 8, autoscaler: scaler(5, 10) })
  await run(3)
  expect(cluster.log).toEqual(['patch', 'minimum 3'])
})

test('nothing is patched where it is so already', async () => {
  const { cluster, run } = world({ replicas: 4, autoscaler: scaler(3, 10) })
  const { plan, outcome } = await run(3)
  expect(isDone(plan)).toBe(true)
  expect(outcome.outcome).toBe('unchanged')
  expect(cluster.log).toEqual([])
})

test('more than the autoscaler would let stand is refused, with what to set', async () => {
  const { ports } = world({ replicas: 2, autoscaler: scaler(2, 10) })
  await expect(preparePods(ports, 'task-service', 11)).rejects.toMatchObject({
    code: 'ABOVE_MAXIMUM',
    suggestions: ['emr set test task-service autoscaling.maxReplicas=11'],
  })
})

test('a service that is not installed cannot be restarted', async () => {
  const { ports } = world({ replicas: 2 })
  await expect(preparePods(ports, 'sync-service')).rejects.toMatchObject({ code: 'NOT_INSTALLED' })
})

test('pods that fail are an error with the finding and the way back', async () => {
  const { cluster, run } = world({ replicas: 2, autoscaler: scaler(2, 10) })
  cluster.behave = () => 'crash'
  cluster.seed('task-service', 'v2')
  await expect(run(5)).rejects.toMatchObject({
    code: 'PODS_NOT_READY',
    exitCode: 7,
    message: expect.stringContaining('the new pods crash'),
    suggestions: expect.arrayContaining(['go back: emr scale test task-service 2']),
  })
})
