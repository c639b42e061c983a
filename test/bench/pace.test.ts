import { expect, test } from 'vitest'
import { keepPace } from '../../bench/monitor/pace.ts'

/** Ten seconds of a load on a server that takes so long for each second's changes. */
async function loadOn(tookMs: number) {
  let clock = 0
  const pace = {
    now: () => clock,
    until: async (at: number) => {
      clock = Math.max(clock, at)
    },
    isOver: () => clock >= 10_000,
  }
  const change = async (number: number) => {
    if (number % 50 === 0) clock += tookMs
  }
  return keepPace(50, change, pace)
}

test('a server that keeps up gets the whole load, a slow one less, and the rate says so', async () => {
  expect(await loadOn(300)).toEqual({ changed: 500, rate: 50 })
  expect(await loadOn(1_250)).toEqual({ changed: 400, rate: 40 })
})
