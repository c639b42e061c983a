import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ListSplitter } from '../../../../src/lib/adapters/kubernetes/list-splitter.ts'

function split(text: string, size: number): { items: unknown[]; rest: unknown } {
  const splitter = new ListSplitter()
  const bytes = Buffer.from(text)
  const items: unknown[] = []
  for (let at = 0; at < bytes.length; at += size) {
    for (const item of splitter.push(bytes.subarray(at, at + size))) items.push(JSON.parse(item))
  }
  return { items, rest: splitter.end() }
}

test('whatever the items are and wherever the chunks end, they are what JSON.parse gives', () => {
  const item = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue())
  const list = fc.record({ metadata: fc.dictionary(fc.string(), fc.jsonValue()), items: fc.array(item) })
  fc.assert(
    fc.property(list, fc.integer({ min: 1, max: 40 }), fc.boolean(), (value, size, first) => {
      const { metadata, items } = value
      const text = JSON.stringify(first ? { metadata, items } : { items, metadata })
      const whole = JSON.parse(text)
      expect(split(text, size)).toEqual({ items: whole.items, rest: { ...whole, items: [] } })
    }),
  )
})

test('quotes, brackets and backslashes in texts are texts', () => {
  const items = [{ a: '}]{["\\' }, { b: { c: [{ items: [{}] }] } }, {}]
  expect(split(JSON.stringify({ kind: 'List', items }), 7)).toEqual({
    items,
    rest: { kind: 'List', items: [] },
  })
})

test('an answer that ends early is an error, not a short list', () => {
  expect(() => split('{"metadata":{},"items":[{"a":1},{"b"', 5)).toThrow(SyntaxError)
  expect(() => split('{"metadata":{},"items":[{"a":1}', 5)).toThrow(SyntaxError)
})
