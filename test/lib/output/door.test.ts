import { globSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { escapeJson } from '../../../src/lib/output/clean.ts'
import { ownStyle, printable } from '../../../src/lib/output/door.ts'
import { table } from '../../../src/lib/output/table.ts'

const HOSTILE = [
  'a\x1b[31mred\x1b[0m',
  'b\x1b]0;title\x07',
  'c\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\',
  'd\x9b2J\x9d0;t\x9c',
  'e\rforged',
  'f\x00\x07\x08\x7f',
  'g\u202egnp.exe\u2066',
  'h\u200bzero\ufeff\u00ad',
  'i\u2028line\u2029',
  'j\x1b[123456;31mguess',
  'k\x1bP+q544e\x1b\\',
  'l\u{e0041}tag',
]
const FORBIDDEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
  /[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/u

describe('what is printed', () => {
  test.each(HOSTILE)('has no foreign control character: %j', (text) => {
    expect(printable(text)).not.toMatch(FORBIDDEN)
    expect(printable(text)[0]).toBe(text[0])
  })
  test('whatever the text is', { timeout: 30_000 }, () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => !FORBIDDEN.test(printable(text))),
    )
  })
  test("keeps emr's own styles, also around foreign text", () => {
    const styled = `${ownStyle('\x1b[31m')}x\x1b[32my${ownStyle('\x1b[39m')}`
    expect(printable(styled)).toBe('\x1b[31mxy\x1b[39m')
  })
  test('keeps lines, and cuts one that no terminal shows', () => {
    expect(printable('a\nb')).toBe('a\nb')
    expect(printable('x'.repeat(1_000_000)).length).toBeLessThan(20_000)
  })
  test('a cell of a table is one line', () => {
    expect(table(undefined, [['a\n✔ forged', 'b']]).split('\n')).toHaveLength(1)
  })
})

test.each(HOSTILE)('JSON is the same document, with what a terminal obeys or hides escaped: %j', (text) => {
  const json = escapeJson(JSON.stringify({ [text]: text }))
  expect(json).not.toMatch(FORBIDDEN)
  expect(JSON.parse(json)).toEqual({ [text]: text })
})

test('nothing else writes for people', () => {
  const own = ['output/door.ts', 'output/document.ts', 'cli/stdout.ts']
  const others = globSync('src/**/*.ts').filter(
    (file) =>
      !own.some((name) => file.endsWith(name)) &&
      /process\.std(out|err)\.write\(/.test(readFileSync(file, 'utf8')),
  )
  expect(others).toEqual([])
})
