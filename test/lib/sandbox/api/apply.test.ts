import { describe, expect, it } from 'vitest'
import {
  difference,
  type Fields,
  fieldsOf,
  intersection,
  pathsOf,
  union,
} from '../../../../src/lib/sandbox/api/fields/field-set.ts'
import { applyOwned, ownedAfterUpdate } from '../../../../src/lib/sandbox/api/fields/ownership.ts'
import { StatusError } from '../../../../src/lib/sandbox/api/status.ts'
import type { ApiObject } from '../../../../src/lib/sandbox/json.ts'
import { builtInSchema, resolve, type Schema } from '../../../../src/lib/sandbox/schema/schema.ts'
import { fc } from '../property.ts'

const schema = resolve(builtInSchema({ group: 'apps', version: 'v1', kind: 'Deployment' }) as Schema)
const apiVersion = 'apps/v1'

function object(spec: object, metadata: object = {}): ApiObject {
  return { apiVersion, kind: 'Deployment', metadata: { name: 'web', ...metadata }, spec }
}
function containers(...list: object[]) {
  return { template: { spec: { containers: list } } }
}
function apply(live: ApiObject | undefined, manager: string, applied: ApiObject, force = false): ApiObject {
  return applyOwned(live, applied, schema, { manager, apiVersion }, force)
}
function update(
  live: ApiObject | undefined,
  manager: string,
  next: ApiObject,
  subresource?: string,
): ApiObject {
  const writer = { manager, apiVersion, ...(subresource ? { subresource } : {}) }
  const carried = { ...next, metadata: { ...next.metadata, managedFields: live?.metadata.managedFields } }
  const managedFields = ownedAfterUpdate(live, carried, schema, writer)
  return { ...next, metadata: { ...next.metadata, managedFields } }
}
function owned(of: ApiObject, manager: string): Fields | undefined {
  return of.metadata.managedFields?.find((entry) => entry.manager === manager)?.fieldsV1 as Fields | undefined
}
function conflict(run: () => unknown): StatusError {
  try {
    run()
  } catch (error) {
    if (error instanceof StatusError) return error
  }
  throw new Error('there was no conflict')
}

describe('server-side apply', () => {
  it('owns what it applies, list items by their keys', () => {
    const made = apply(
      undefined,
      'helm',
      object({ replicas: 2, ...containers({ name: 'app', image: 'a:1' }) }),
    )
    expect(owned(made, 'helm')).toEqual({
      'f:spec': {
        'f:replicas': {},
        'f:template': {
          'f:spec': {
            'f:containers': { 'k:{"name":"app"}': { '.': {}, 'f:image': {}, 'f:name': {} } },
          },
        },
      },
    })
  })

  it('takes a port without protocol for one with TCP', () => {
    const fields = fieldsOf(
      containers({ name: 'app', ports: [{ containerPort: 80 }] }),
      resolve(schema.properties?.spec as Schema),
    )
    expect(JSON.stringify(fields)).toContain(String.raw`k:{\"containerPort\":80,\"protocol\":\"TCP\"}`)
  })

  it('removes what it no longer applies, with what was filled in below', () => {
    const probe = { httpGet: { path: '/', port: 80 } }
    const first = apply(
      undefined,
      'helm',
      object(containers({ name: 'app', image: 'a', livenessProbe: probe })),
    )
    const container = (first.spec as ReturnType<typeof containers>).template.spec.containers[0] as {
      livenessProbe: object
    }
    Object.assign(container.livenessProbe, { periodSeconds: 10 })
    const second = apply(first, 'helm', object(containers({ name: 'app', image: 'a' })))
    expect(second.spec).toEqual(containers({ name: 'app', image: 'a' }))
  })

  it('leaves alone what others own, and refuses to change it', () => {
    const first = apply(undefined, 'helm', object({ replicas: 2, paused: true }))
    const scaled = update(first, 'kubectl', object({ replicas: 5, paused: true }), 'scale')
    expect(owned(scaled, 'helm')).toEqual({ 'f:spec': { 'f:paused': {} } })
    const error = conflict(() => apply(scaled, 'helm', object({ replicas: 2, paused: true })))
    expect(error.code).toBe(409)
    expect(error.message).toBe(
      'Apply failed with 1 conflict: conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas',
    )
    expect(error.details?.causes).toEqual([
      {
        reason: 'FieldManagerConflict',
        message: 'conflict with "kubectl" with subresource "scale" using apps/v1',
        field: '.spec.replicas',
      },
    ])
    expect(apply(scaled, 'helm', object({ paused: true })).spec).toEqual({ replicas: 5, paused: true })
  })

  it('takes fields over by force', () => {
    const first = apply(undefined, 'a', object({ replicas: 2 }))
    const second = apply(first, 'b', object({ replicas: 3 }), true)
    expect(second.spec).toEqual({ replicas: 3 })
    expect(owned(second, 'a')).toBeUndefined()
  })

  it('shares a field on which two managers agree', () => {
    const first = apply(undefined, 'a', object({ replicas: 2 }))
    const second = apply(first, 'b', object({ replicas: 2 }))
    expect(owned(second, 'a')).toEqual(owned(second, 'b'))
    expect(apply(second, 'a', object({})).spec).toEqual({ replicas: 2 })
  })

  it('names all conflicts, by manager', () => {
    const first = update(
      undefined,
      'kubectl',
      object({ replicas: 2, ...containers({ name: 'app', image: 'a:1' }) }),
    )
    const error = conflict(() =>
      apply(first, 'helm', object({ replicas: 3, ...containers({ name: 'app', image: 'a:2' }) })),
    )
    expect(error.message).toBe(
      'Apply failed with 2 conflicts: conflicts with "kubectl" using apps/v1:\n- .spec.replicas\n- .spec.template.spec.containers[name="app"].image',
    )
  })

  it('keeps an entry as it is when nothing changes', () => {
    const applied = object({ replicas: 2 })
    const first = apply(undefined, 'helm', applied)
    const [entry] = first.metadata.managedFields ?? []
    if (entry) entry.time = '2020-01-01T00:00:00Z'
    expect(apply(first, 'helm', applied)).toEqual(first)
  })
})

describe('field sets', () => {
  const element = fc.constantFrom('f:a', 'f:b', 'k:{"n":1}')
  const setOf = (depth: number): fc.Arbitrary<Fields> =>
    depth === 0 ? fc.constant({}) : fc.dictionary(element, setOf(depth - 1), { maxKeys: 3 })
  const fields = setOf(3)
  const members = (set: Fields) => pathsOf(set).sort()

  it('behave as the sets of their paths', () => {
    fc.assert(
      fc.property(fields, fields, (a, b) => {
        const [inA, inB] = [members(a), members(b)]
        expect(members(union(a, b))).toEqual([...new Set([...inA, ...inB])].sort())
        expect(members(intersection(a, b))).toEqual(inA.filter((path) => inB.includes(path)))
        expect(members(difference(a, b))).toEqual(inA.filter((path) => !inB.includes(path)))
      }),
    )
  })
})
