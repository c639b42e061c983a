import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatDuration, parseDuration } from '../../../src/lib/domain/duration.ts'

test.each([
  ['500ms', 500],
  ['30s', 30_000],
  ['10m', 600_000],
  ['1h30m', 5_400_000],
  ['30d', 2_592_000_000],
])('%s is %d ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
})

test.each(['', '3', 's', '3 minutes', '1.5h', '-3s', '3S'])('%j is no duration', (text) => {
  expect(parseDuration(text)).toBeUndefined()
})

test('the parts of a duration add up', () => {
  const part = fc.tuple(fc.nat(1000), fc.constantFrom('ms', 's', 'm', 'h', 'd'))
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), (parts) => {
      const sum = parts.reduce((total, [n, unit]) => total + (parseDuration(`${n}${unit}`) ?? Number.NaN), 0)
      expect(parseDuration(parts.map(([n, unit]) => n + unit).join(''))).toBe(sum)
    }),
  )
})

test.each([
  [850, '850 ms'],
  [4_240, '4.2 s'],
  [59_960, '1 m 00 s'],
  [185_000, '3 m 05 s'],
  [7_800_000, '2 h 10 m'],
  [356_400_000, '4 d 3 h'],
])('%d ms reads %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text)
})
