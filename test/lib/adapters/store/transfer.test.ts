import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import type { ObjectStore } from '../../../../src/lib/adapters/store/store.ts'
import { checkObject, RateLimit, storeOutput } from '../../../../src/lib/adapters/store/transfer.ts'

const text = 'the dump of a database'
const expected = {
  name: 'a',
  content: 'data' as const,
  bytes: text.length,
  sha256: createHash('sha256').update(text).digest('hex'),
}
const options = {
  signal: new AbortController().signal,
  limit: new RateLimit(Number.POSITIVE_INFINITY),
  onBytes: () => undefined,
}

test.each([
  ['as it was written', text, undefined],
  ['with one letter changed', text.replace('dump', 'jump'), 'has another SHA-256 than its manifest says'],
  ['cut short', text.slice(0, -1), 'has 21 bytes instead of 22'],
])('an object %s', async (_, stored, damage) => {
  const store = { read: async () => Readable.from([Buffer.from(stored)]) } as unknown as ObjectStore
  const checked = checkObject(store, 'key', expected, options)
  if (damage === undefined) await checked
  else
    await expect(checked).rejects.toMatchObject({
      code: 'BACKUP_DAMAGED',
      message: expect.stringContaining(damage),
    })
})

test('what a program put out before it failed is not kept', async () => {
  const log: string[] = []
  const writer = {
    write: async () => void log.push('write'),
    complete: async () => void log.push('complete'),
    abort: async () => void log.push('abort'),
  }
  const store = { create: async () => writer } as unknown as ObjectStore
  const output = (done: Promise<void>) => ({ stdout: Readable.from([Buffer.from(text)]), done }) as never
  const failed = Promise.reject(new Error('pg_dump was killed'))
  await expect(storeOutput(store, 'key', output(failed), options)).rejects.toThrow('pg_dump was killed')
  expect(log).toEqual(['write', 'abort'])
  const { bytes, sha256 } = await storeOutput(store, 'key', output(Promise.resolve()), options)
  expect({ bytes, sha256, last: log.at(-1) }).toEqual({
    bytes: expected.bytes,
    sha256: expected.sha256,
    last: 'complete',
  })
})
