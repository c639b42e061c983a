import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareVersions, parseVersion } from '../../../src/lib/domain/version.ts'

test.each([
  ['v3.17.2+gcc0bbbd', [3, 17, 2]],
  ['Client Version: v1.32.4-dispatcher\nKustomize Version: v5.5.0', [1, 32, 4]],
  ['1.28', [1, 28, 0]],
])('%j', (text, version) => {
  expect(parseVersion(text)).toEqual(version)
})

test('a text without a version has none', () => {
  expect(parseVersion('command not found')).toBeUndefined()
})

test('the order is total and agrees with the numbers', () => {
  const version = fc.tuple(fc.nat(20), fc.nat(20), fc.nat(20))
  fc.assert(
    fc.property(version, version, (a, b) => {
      const weight = ([major, minor, patch]: [number, number, number]) => major * 1e6 + minor * 1e3 + patch
      expect(Math.sign(compareVersions(a, b))).toBe(Math.sign(weight(a) - weight(b)))
    }),
  )
})
