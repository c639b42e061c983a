import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fieldChanges } from '../../../../src/lib/domain/manifest/diff.ts'

test('a changed image is named by its container', () => {
  const pod = (image: string) => ({
    spec: {
      containers: [
        { name: 'proxy', image: 'p:1' },
        { name: 'app', image },
      ],
    },
  })
  expect(fieldChanges(pod('a:1'), pod('a:2'))).toEqual([
    { path: 'spec.containers[app].image', before: 'a:1', after: 'a:2' },
  ])
})

test('fields that appear and disappear have one side', () => {
  expect(fieldChanges({ a: 1, b: { c: 2 } }, { a: 1, d: [] })).toEqual([
    { path: 'b', before: { c: 2 }, after: undefined },
    { path: 'd', before: undefined, after: [] },
  ])
})

test('the order of keyed lists and what the API server keeps for itself do not count', () => {
  const live = {
    metadata: { name: 'x', resourceVersion: '1', generation: 3 },
    env: [{ name: 'A' }, { name: 'B' }],
    status: {},
  }
  const next = {
    metadata: { name: 'x', resourceVersion: '9', generation: 4 },
    env: [{ name: 'B' }, { name: 'A' }],
  }
  expect(fieldChanges(live, next)).toEqual([])
})

test('names with dots are quoted', () => {
  const labels = (value: string) => ({ metadata: { labels: { 'app.kubernetes.io/version': value } } })
  expect(fieldChanges(labels('1'), labels('2'))[0]?.path).toBe('metadata.labels."app.kubernetes.io/version"')
})

test('a value has no changes against itself, and each changed field is named once', () => {
  const map = fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), fc.nat(3))
  fc.assert(
    fc.property(fc.jsonValue(), map, map, (any, a, b) => {
      expect(fieldChanges(any, structuredClone(any))).toEqual([])
      const keys = new Set([...Object.keys(a), ...Object.keys(b)])
      const expected = [...keys].filter((key) => a[key] !== b[key]).sort()
      expect(fieldChanges({ spec: a }, { spec: b }).map(({ path }) => path)).toEqual(
        expected.map((key) => `spec.${key}`),
      )
    }),
  )
})
