import { describe, expect, it } from 'vitest'
import { jsonPatch } from '../../../../src/lib/sandbox/api/patch/json-patch.ts'
import { mergePatch } from '../../../../src/lib/sandbox/api/patch/merge-patch.ts'
import { strategicMerge } from '../../../../src/lib/sandbox/api/patch/strategic-merge.ts'
import { builtInSchema, resolve, type Schema } from '../../../../src/lib/sandbox/schema/schema.ts'
import { fc } from '../property.ts'

const deployment = resolve(builtInSchema({ group: 'apps', version: 'v1', kind: 'Deployment' }) as Schema)

function withContainers(containers: unknown[]) {
  return { spec: { template: { spec: { containers } } } }
}

describe('strategic merge patch', () => {
  const merge = (target: unknown, patch: unknown) => strategicMerge(target, patch, deployment)

  it('merges containers and variables by name, and keeps the others', () => {
    const live = withContainers([
      {
        name: 'app',
        image: 'a:1',
        env: [
          { name: 'A', value: '1' },
          { name: 'B', value: '2' },
        ],
      },
      { name: 'sidecar', image: 's:1' },
    ])
    const patch = withContainers([
      {
        name: 'app',
        env: [
          { name: 'B', value: '3' },
          { name: 'C', value: '4' },
        ],
      },
    ])
    expect(merge(live, patch)).toEqual(
      withContainers([
        {
          name: 'app',
          image: 'a:1',
          env: [
            { name: 'A', value: '1' },
            { name: 'B', value: '3' },
            { name: 'C', value: '4' },
          ],
        },
        { name: 'sidecar', image: 's:1' },
      ]),
    )
  })

  it('replaces lists without a merge key', () => {
    const live = withContainers([{ name: 'app', args: ['a', 'b'] }])
    expect(merge(live, withContainers([{ name: 'app', args: ['c'] }]))).toEqual(
      withContainers([{ name: 'app', args: ['c'] }]),
    )
  })

  it('deletes an item by $patch, and orders by $setElementOrder', () => {
    const live = withContainers([{ name: 'a' }, { name: 'b' }, { name: 'c' }])
    const spec = {
      containers: [{ name: 'b', $patch: 'delete' }, { name: 'd' }],
      '$setElementOrder/containers': [{ name: 'd' }, { name: 'c' }, { name: 'a' }],
    }
    expect(merge(live, { spec: { template: { spec } } })).toEqual(
      withContainers([{ name: 'd' }, { name: 'c' }, { name: 'a' }]),
    )
  })

  it('keeps only what $retainKeys names', () => {
    const live = { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } }
    const patch = { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } }
    expect(merge(live, patch)).toEqual({ spec: { strategy: { type: 'Recreate' } } })
  })

  it('replaces a map by $patch', () => {
    const live = { metadata: { labels: { a: '1', b: '2' } } }
    expect(merge(live, { metadata: { labels: { $patch: 'replace', c: '3' } } })).toEqual({
      metadata: { labels: { c: '3' } },
    })
  })

  it('adds to and removes from lists of scalars', () => {
    const live = { metadata: { finalizers: ['a', 'b'] } }
    const patch = { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'], finalizers: ['c'] } }
    expect(merge(live, patch)).toEqual({ metadata: { finalizers: ['b', 'c'] } })
  })

  it('removes a field by null', () => {
    expect(merge({ spec: { replicas: 2, paused: true } }, { spec: { paused: null } })).toEqual({
      spec: { replicas: 2 },
    })
  })
})

describe('JSON patch', () => {
  it('follows its operations in order', () => {
    const document = { a: [1, 2], 'x/y': { z: 1 } }
    const operations = [
      { op: 'test', path: '/a/0', value: 1 },
      { op: 'add', path: '/a/-', value: 3 },
      { op: 'remove', path: '/a/0' },
      { op: 'move', from: '/x~1y/z', path: '/z' },
      { op: 'copy', from: '/a', path: '/b' },
      { op: 'replace', path: '/z', value: 9 },
    ]
    expect(jsonPatch(document, operations)).toEqual({ a: [2, 3], b: [2, 3], 'x/y': {}, z: 9 })
    expect(document).toEqual({ a: [1, 2], 'x/y': { z: 1 } })
  })

  it.each([
    [{ op: 'test', path: '/a', value: 2 }],
    [{ op: 'remove', path: '/missing' }],
    [{ op: 'replace', path: '/missing', value: 1 }],
    [{ op: 'add', path: '/list/7', value: 1 }],
    [{ op: 'invent', path: '/a' }],
  ])('refuses %j', (operation) => {
    expect(() => jsonPatch({ a: 1, list: [] }, [operation])).toThrow('the server rejected our request')
  })
})

describe('merge patch', () => {
  it('makes any object of any other by the difference between them', () => {
    const value = fc.oneof(fc.integer(), fc.string(), fc.boolean(), fc.array(fc.integer()))
    const flat = fc.dictionary(
      fc.string({ maxLength: 3 }).filter((key) => key !== '__proto__'),
      value,
    )
    fc.assert(
      fc.property(flat, flat, (before, after) => {
        const patch: Record<string, unknown> = { ...after }
        for (const key of Object.keys(before)) if (!Object.hasOwn(after, key)) patch[key] = null
        expect(mergePatch(before, patch)).toEqual(after)
      }),
    )
  })
})
