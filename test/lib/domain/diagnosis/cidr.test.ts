import { expect, test } from 'vitest'
import { covers, overlap } from '../../../../src/lib/domain/diagnosis/cidr.ts'

test.each([
  ['10.0.0.0/16', '10.0.16.0/20', true],
  ['10.0.16.0/20', '10.0.16.0/20', true],
  ['0.0.0.0/0', '192.168.1.0/24', true],
  ['10.0.16.0/20', '10.0.0.0/16', false],
  ['10.0.16.0/20', '10.0.32.0/20', false],
  ['10.0.5.7/32', '10.0.5.8/32', false],
  ['::/0', '2001:db8::/56', true],
  ['2001:db8::/32', '2001:db8:0:1::/64', true],
  ['2001:db8:0:2::/64', '2001:db8:0:1::/64', false],
  ['::/0', '10.0.0.0/8', false],
  ['0.0.0.0/0', '::/0', false],
])('%s covers %s: %s', (outer, inner, expected) => {
  expect(covers(outer, inner)).toBe(expected)
})

test('blocks overlap when one lies in the other', () => {
  expect(overlap('10.1.0.0/24', '10.1.0.0/16')).toBe(true)
  expect(overlap('10.1.0.0/16', '10.1.0.0/24')).toBe(true)
  expect(overlap('10.1.0.0/24', '10.1.1.0/24')).toBe(false)
})
