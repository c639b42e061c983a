import type { Deployment, ReplicaSet } from 'kubernetes-types/apps/v1.js'
import { describe, expect, it } from 'vitest'
import { findNew, templateHash } from '../../../../src/lib/sandbox/controllers/deployment/replica-sets.ts'
import {
  newReplicas,
  rollingLimits,
  scaleDownOld,
  scaleProportionally,
} from '../../../../src/lib/sandbox/controllers/deployment/rolling-update.ts'
import { fc } from '../property.ts'

function deployment(
  replicas: number,
  maxSurge: number | string,
  maxUnavailable: number | string,
): Deployment {
  return {
    metadata: { name: 'web' },
    spec: {
      replicas,
      selector: {},
      template: { metadata: { labels: { app: 'web' } } },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } },
    },
  }
}
function replicaSet(name: string, replicas: number, available = replicas): ReplicaSet {
  return {
    metadata: { name, creationTimestamp: name },
    spec: { replicas, selector: {} },
    status: { replicas, availableReplicas: available },
  }
}

describe('rolling updates', () => {
  it('round surge up and unavailability down', () => {
    expect(rollingLimits(deployment(3, '25%', '25%'))).toEqual({ maxSurge: 1, maxUnavailable: 0 })
    expect(rollingLimits(deployment(10, '25%', '25%'))).toEqual({ maxSurge: 3, maxUnavailable: 2 })
    expect(rollingLimits(deployment(0, '25%', '25%'))).toEqual({ maxSurge: 0, maxUnavailable: 1 })
  })

  it('take unhealthy old pods away first', () => {
    const scaling = scaleDownOld(deployment(4, 1, 1), replicaSet('new', 1, 0), [replicaSet('old', 4, 3)])
    expect(scaling.map(({ replicas }) => replicas)).toEqual([3])
  })

  it('never have too many pods, nor too few available ones, and end', () => {
    const limits = fc.record({
      replicas: fc.integer({ min: 1, max: 30 }),
      surge: fc.integer({ min: 0, max: 10 }),
      unavailable: fc.integer({ min: 0, max: 10 }),
    })
    fc.assert(
      fc.property(limits, ({ replicas, surge, unavailable }) => {
        fc.pre(surge + unavailable > 0)
        const wanted = deployment(replicas, surge, unavailable)
        let current = replicaSet('new', 0)
        let old = replicaSet('old', replicas)
        for (
          let step = 0;
          step < 200 && current.spec?.replicas !== replicas + (old.spec?.replicas ?? 0);
          step += 1
        ) {
          current = replicaSet(
            'new',
            newReplicas(wanted, [current, old], current.spec?.replicas ?? 0),
            current.status?.availableReplicas,
          )
          const [down] = scaleDownOld(wanted, current, [old])
          if (down) old = replicaSet('old', down.replicas)
          const total = (current.spec?.replicas ?? 0) + (old.spec?.replicas ?? 0)
          const available = (current.status?.availableReplicas ?? 0) + (old.spec?.replicas ?? 0)
          expect(total).toBeLessThanOrEqual(replicas + surge)
          expect(available).toBeGreaterThanOrEqual(replicas - unavailable)
          // The new pods become available.
          current = replicaSet('new', current.spec?.replicas ?? 0)
        }
        expect([old.spec?.replicas, current.spec?.replicas]).toEqual([0, replicas])
      }),
    )
  })

  it('spread a change of size over both sides', () => {
    const scaling = scaleProportionally(
      deployment(20, 5, 0),
      [replicaSet('new', 5), replicaSet('old', 10)],
      15,
    )
    expect(scaling.reduce((sum, { replicas }) => sum + replicas, 0)).toBe(25)
    expect(scaling.every(({ replicas, replicaSet: { spec } }) => replicas > (spec?.replicas ?? 0))).toBe(true)
  })

  it('find the ReplicaSet of a template whatever hash it carries', () => {
    const wanted = deployment(1, 1, 0)
    const template = { metadata: { labels: { app: 'web', 'pod-template-hash': 'abc' } } }
    const match = { ...replicaSet('a', 1), spec: { selector: {}, template } }
    expect(findNew(wanted, [replicaSet('b', 1), match])).toBe(match)
  })

  it('hash templates to ten characters that make no words', () => {
    expect(templateHash({ metadata: { labels: { a: 'b' } } })).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{10}$/)
    expect(templateHash({}, 1)).not.toBe(templateHash({}))
  })
})
