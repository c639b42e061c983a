import { expect, test } from 'vitest'
import { Meter } from '../../../src/lib/output/meter.ts'

const MB = 1_000_000

function meterAt(terminal: boolean) {
  const clock = { ms: 0 }
  const shown: string[] = []
  const meter = new Meter((text) => shown.push(text), { terminal, now: () => clock.ms })
  const pass = (ms: number, bytes: number) => {
    clock.ms += ms
    meter.add(bytes)
  }
  return { meter, shown, pass }
}

test('tells bytes of the estimate, rate and what is left, and no estimate that was passed', () => {
  const { meter, pass } = meterAt(true)
  meter.total(40 * MB)
  expect(meter.text()).toBe('0 B of about 40.0 MB, 0 B/s')
  pass(1000, 10 * MB)
  expect(meter.text()).toBe('10.0 MB of about 40.0 MB, 10.0 MB/s, 3.0 s left')
  pass(3000, 30 * MB)
  expect(meter.text()).toBe('40.0 MB, 10.0 MB/s')
})

test('without an estimate: bytes and rate alone', () => {
  const { meter, pass } = meterAt(true)
  pass(2000, 10 * MB)
  expect(meter.text()).toBe('10.0 MB, 5.0 MB/s')
})

test('counts each work for itself: a drill backs up, then restores', () => {
  const { meter, pass } = meterAt(true)
  meter.total(10 * MB)
  pass(10_000, 12 * MB)
  meter.total(20 * MB)
  pass(1000, 5 * MB)
  expect(meter.text()).toBe('5.0 MB of about 20.0 MB, 5.0 MB/s, 3.0 s left')
})

test.each([
  ['a terminal redraws its line four times a second', true, 250],
  ['a log gets a line every ten seconds', false, 10_000],
])('%s', (_, terminal, everyMs) => {
  const { meter, shown, pass } = meterAt(terminal)
  meter.step('Load the data')
  for (let n = 1; n <= 20; n += 1) pass(everyMs / 10, MB)
  expect(shown).toHaveLength(3)
  expect(shown[0]).toBe('Load the data')
  expect(shown[1]).toMatch(/^Load the data: 10.0 MB, /)
  expect(shown[2]).toMatch(/^Load the data: 20.0 MB, /)
})
