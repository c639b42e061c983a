import { expect, test } from 'vitest'
import {
  type DeploymentFacts,
  livePods,
  newestReplicaSet,
  type ReplicaSetFacts,
} from '../../../../src/lib/domain/rollout/facts.ts'
import { serviceContainer } from '../../../../src/lib/domain/service-container.ts'
import { healthy, pod } from './facts.ts'

test('pods that were evicted, have completed, or are being deleted are not those of a rollout', () => {
  const evicted = pod('evicted', { phase: 'Failed', failure: { reason: 'Evicted', message: '' } })
  const terminated = pod('terminated', { phase: 'Failed', failure: { reason: 'Terminated', message: '' } })
  const completed = pod('completed', { phase: 'Succeeded' })
  const leaving = { ...healthy('leaving'), deleting: true }
  const found = livePods([evicted, terminated, completed, leaving, healthy('a'), pod('b')])
  expect(found.map(({ name }) => name)).toEqual(['a', 'b'])
})

test('the newest ReplicaSet has the template of the Deployment, not the highest number', () => {
  const set = (uid: string, template: string, createdAt: number, owner = 'd'): ReplicaSetFacts => {
    return { uid, name: uid, owner, template, createdAt, revision: '7' }
  }
  const deployment = { uid: 'd', template: 'new', revision: '7' } as DeploymentFacts
  const sets = [
    set('old', 'old', 1),
    set('later', 'new', 3),
    set('first', 'new', 2),
    set('x', 'new', 1, 'other'),
  ]
  expect(newestReplicaSet(deployment, sets)?.uid).toBe('first')
  expect(newestReplicaSet({ ...deployment, template: 'unseen' }, sets)).toBeUndefined()
})

test.each([
  ['its own, behind a sidecar', {}, 'app'],
  ['the one that is declared', { 'kubectl.kubernetes.io/default-container': 'web' }, 'web'],
  ['its own, where none has the declared name', { 'kubectl.kubernetes.io/default-container': 'none' }, 'app'],
])('the container of a service is %s', (_which, annotations, name) => {
  const spec = { containers: [{ name: 'proxy' }, { name: 'app' }, { name: 'web' }] }
  expect(serviceContainer({ metadata: { annotations }, spec }, 'app')?.name).toBe(name)
})
