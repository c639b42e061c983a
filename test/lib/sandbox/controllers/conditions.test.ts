import type { Deployment } from 'kubernetes-types/apps/v1.js'
import { expect, it } from 'vitest'
import { progress } from '../../../../src/lib/sandbox/controllers/deployment/conditions.ts'

const LONG_AGO = '2020-01-01T00:00:00Z'

/** A Deployment whose pods go over to a ReplicaSet that was there before, and have not moved yet. */
function starting(reason: string): Deployment {
  const progressing = { type: 'Progressing', status: 'True', reason, lastUpdateTime: LONG_AGO }
  return {
    metadata: { name: 'web', generation: 3 },
    spec: { replicas: 2, progressDeadlineSeconds: 240, selector: {}, template: {} },
    status: { observedGeneration: 2, replicas: 2, availableReplicas: 2, conditions: [progressing] },
  }
}

const reasonAfter = (deployment: Deployment) =>
  progress(deployment, deployment.status ?? {}, undefined, (since) => (Date.now() - since) / 1000).find(
    ({ type }) => type === 'Progressing',
  )?.reason

it('the deadline does not count from the end of the roll-out before', () => {
  expect(reasonAfter(starting('NewReplicaSetAvailable'))).toBe('NewReplicaSetAvailable')
})

it('it counts from the last progress of this one', () => {
  expect(reasonAfter(starting('ReplicaSetUpdated'))).toBe('ProgressDeadlineExceeded')
})
