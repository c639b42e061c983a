import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LogCursor } from '../../../../src/lib/domain/logs/cursor.ts'

const BASE = Date.parse('2026-03-14T03:15:00Z')
const stamp = (ms: number) => new Date(BASE + ms).toISOString().replace('Z', '000123Z')
const lineAt = (ms: number, text: string) => `${stamp(ms)} ${text}`

/** What a server gives that is asked from a moment on: by whole seconds, and with both ends of it. */
function reread(all: string[], since: string | undefined): string[] {
  return all.filter((line) => since === undefined || line.slice(0, 19) >= since.slice(0, 19))
}

describe('a log that is read anew after a break', () => {
  test('gives each line once, whatever the break and however many are equal', () => {
    const log = fc.array(
      fc.record({ after: fc.integer({ min: 0, max: 900 }), text: fc.constantFrom('a', 'b') }),
      {
        maxLength: 60,
      },
    )
    fc.assert(
      fc.property(log, fc.array(fc.nat(60), { maxLength: 5 }), (parts, breaks) => {
        let ms = 0
        const all = parts.map(({ after, text }) => {
          ms += after
          return lineAt(ms, text)
        })
        const cursor = new LogCursor()
        const seen: string[] = []
        for (const end of [...breaks.sort((a, b) => a - b), all.length]) {
          const since = cursor.since
          cursor.catchUp()
          for (const raw of reread(all.slice(0, end), since)) {
            const line = cursor.take(raw)
            if (line) seen.push(`${line.time} ${line.text}`)
          }
        }
        expect(seen).toEqual(all)
      }),
    )
  })
  test('lines of both outputs that stand out of order are kept', () => {
    const cursor = new LogCursor()
    const all = [lineAt(10, 'out'), lineAt(8, 'err'), lineAt(12, 'out')]
    expect(all.map((raw) => cursor.take(raw)?.text)).toEqual(['out', 'err', 'out'])
    cursor.catchUp()
    expect([...all, lineAt(11, 'late')].map((raw) => cursor.take(raw)?.text)).toEqual([
      undefined,
      undefined,
      undefined,
      'late',
    ])
  })
  test('a line without a time goes through as it is', () => {
    expect(new LogCursor().take('no time here')).toEqual({ time: '', text: 'no time here' })
  })
})
