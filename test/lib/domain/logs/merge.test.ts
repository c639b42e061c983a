import { expect, test } from 'vitest'
import { inOrderOfTime } from '../../../../src/lib/domain/logs/merge.ts'

interface Item {
  time: string
  text: string
}

/** A stream that counts how much of it was taken, and how often it was closed. */
function stream(times: string[], name: string) {
  const state = { taken: 0, closed: 0 }
  async function* items(): AsyncGenerator<Item> {
    try {
      for (const time of times) {
        state.taken += 1
        yield { time, text: `${name}${state.taken}` }
      }
    } finally {
      state.closed += 1
    }
  }
  return { state, items: items() }
}

const at = (seconds: string) => `2026-03-14T03:15:${seconds}Z`

async function textsOf(streams: { items: AsyncGenerator<Item> }[]): Promise<string[]> {
  const texts: string[] = []
  for await (const { text } of inOrderOfTime(streams.map(({ items }) => items))) texts.push(text)
  return texts
}

test('lines of all streams come by time; equal ones in the order of the streams', async () => {
  const a = stream([at('01'), at('03.1'), at('03.15')], 'a')
  const b = stream([at('01'), at('02'), at('03.12')], 'b')
  expect(await textsOf([a, b, stream([], 'c')])).toEqual(['a1', 'b1', 'b2', 'a2', 'b3', 'a3'])
})

test('a line without a time stays behind the one that it belongs to', async () => {
  const a = stream([at('01'), '', at('09')], 'a')
  expect(await textsOf([a, stream([at('02')], 'b')])).toEqual(['a1', 'a2', 'b1', 'a3'])
})

test('no stream is read ahead, and all are closed when the reader leaves', async () => {
  const streams = ['a', 'b'].map((name) => stream([at('01'), at('02'), at('03')], name))
  for await (const { text } of inOrderOfTime(streams.map(({ items }) => items))) if (text === 'a2') break
  expect(streams.map(({ state }) => state)).toEqual([
    { taken: 2, closed: 1 },
    { taken: 2, closed: 1 },
  ])
})
