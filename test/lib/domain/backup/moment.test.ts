import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatMoment, parseMoment } from '../../../../src/lib/domain/backup/moment.ts'
import { decodeMessage } from '../../../../src/lib/domain/backup/pgoutput.ts'

describe('moments', () => {
  it.each([
    ['2026-11-24T14:43:50.235004Z', 1_795_531_430_235_004],
    ['2026-11-24T14:43:50.235Z', 1_795_531_430_235_000],
    ['2026-11-24T14:43:50.5Z', 1_795_531_430_500_000],
    ['2026-11-24T14:43Z', 1_795_531_380_000_000],
    ['2026-11-24T16:43:50+02:00', 1_795_531_430_000_000],
    // As PostgreSQL prints them.
    ['2026-11-24 14:43:50.235004+00', 1_795_531_430_235_004],
    ['2026-11-24 20:13:50.235004+05:30', 1_795_531_430_235_004],
    ['2026-11-24 09:13:50.235004-0530', 1_795_531_430_235_004],
  ])('%s', (text, microseconds) => {
    expect(parseMoment(text)).toBe(microseconds)
  })

  it.each([
    '2026-11-24T14:43:50',
    '2026-11-24',
    '2026-13-24T14:43:50Z',
    'yesterday',
    '2026-11-24T25:00Z',
    '',
  ])('none: %j', (text) => {
    expect(parseMoment(text)).toBeUndefined()
  })

  it('of commits are read to the microsecond', () => {
    const begin = Buffer.alloc(21, 'B')
    // Microseconds since 2000-01-01.
    begin.writeBigInt64BE(848_846_630_235_004n, 9)
    expect(decodeMessage(begin)).toMatchObject({ time: parseMoment('2026-11-24T14:43:50.235004Z') })
  })

  it('come back as they were written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e15 }), (microseconds) => {
        expect(parseMoment(formatMoment(microseconds))).toBe(microseconds)
      }),
    )
  })
})
