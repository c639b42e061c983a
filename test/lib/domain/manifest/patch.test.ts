import { expect, test } from 'vitest'
import { mergePatch } from '../../../../src/lib/domain/manifest/patch.ts'

const deployment = (containers: unknown[], extra: object = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  spec: { template: { spec: { containers, ...extra } } },
})

test('what the previous manifest had and the new one has not is removed; nothing else is', () => {
  const previous = deployment([{ name: 'app', image: 'a:1', workingDir: '/srv' }], {
    nodeSelector: { disk: 'ssd' },
  })
  const rendered = deployment([{ name: 'app', image: 'a:2' }])
  expect(mergePatch(previous, rendered, true)).toEqual(
    deployment([{ name: 'app', image: 'a:2', workingDir: null }], { nodeSelector: null }),
  )
})

test('members of keyed lists are deleted by their key', () => {
  const env = (...names: string[]) => names.map((name) => ({ name, value: 'x' }))
  const previous = deployment([{ name: 'app', env: env('A', 'B') }, { name: 'sidecar' }])
  const rendered = deployment([{ name: 'app', env: env('B', 'C') }])
  expect(mergePatch(previous, rendered, true)).toEqual(
    deployment([
      { name: 'app', env: [...env('B', 'C'), { name: 'A', $patch: 'delete' }] },
      { name: 'sidecar', $patch: 'delete' },
    ]),
  )
})

test('Service ports are keyed by port, container ports by containerPort', () => {
  const service = (...ports: object[]) => ({ kind: 'Service', spec: { ports } })
  expect(mergePatch(service({ port: 80 }, { port: 81 }), service({ port: 80 }), true)).toEqual(
    service({ port: 80 }, { port: 81, $patch: 'delete' }),
  )
})

test('lists without a key, and all lists of custom resources, are replaced', () => {
  const object = (list: unknown[]) => ({ spec: { containers: list, args: ['a'] } })
  const named = [{ name: 'x' }]
  expect(mergePatch(object([{ name: 'gone' }]), object(named), false)).toEqual(object(named))
  expect(mergePatch({ spec: { args: ['a', 'b'] } }, { spec: { args: ['c'] } }, true)).toEqual({
    spec: { args: ['c'] },
  })
})

test('an object that is new in the release is set as a whole', () => {
  expect(mergePatch(undefined, { spec: { a: 1 } }, true)).toEqual({ spec: { a: 1 } })
})
