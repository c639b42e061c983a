import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type AuditEntry,
  CHAIN_START,
  canonical,
  chainProblems,
} from '../../../../src/lib/domain/release/audit.ts'

const digest = (text: string) => createHash('sha256').update(text).digest('hex')

function chain(length: number): AuditEntry[] {
  const entries: AuditEntry[] = []
  for (let sequence = 1; sequence <= length; sequence += 1) {
    const entry = {
      sequence,
      previous: entries.at(-1)?.hash ?? CHAIN_START,
      id: `id-${sequence}`,
      operation: 'deploy',
      by: { name: 'me', host: 'here' },
      startedAt: '2026-01-01T00:00:00.000Z',
      durationMs: 10,
      request: { services: [], tags: { '*': `v${sequence}` } },
      outcome: 'good',
    }
    entries.push({ ...entry, hash: digest(canonical(entry)) })
  }
  return entries
}

const headOf = (entries: AuditEntry[]) => entries.at(-1) as AuditEntry

test('a chain as it was written has no problems', () => {
  const entries = chain(5)
  expect(chainProblems(entries, digest, headOf(entries))).toEqual([])
  expect(chainProblems([], digest)).toEqual([])
})

test('the order of keys does not matter: the API server may give them in another', () => {
  const [entry] = chain(1) as [AuditEntry]
  const turned = Object.fromEntries(Object.entries(entry).reverse()) as unknown as AuditEntry
  expect(chainProblems([turned], digest)).toEqual([])
})

describe('what was done to it is named', () => {
  test('a changed entry', () => {
    const entries = chain(3)
    ;(entries[1] as AuditEntry).outcome = 'failed'
    expect(chainProblems(entries, digest)).toEqual(['entry 2 was changed after it was written'])
  })
  test('a changed entry with a hash that fits breaks the next link', () => {
    const entries = chain(3)
    const forged = { ...(entries[1] as AuditEntry), outcome: 'failed' }
    entries[1] = { ...forged, hash: digest(canonical(forged)) }
    expect(chainProblems(entries, digest)).toEqual(['entry 3 does not follow the one before it'])
  })
  test('a removed entry', () => {
    const entries = chain(5)
    expect(chainProblems([...entries.slice(0, 1), ...entries.slice(3)], digest)).toEqual([
      'entries 2 to 3 are missing',
    ])
    expect(chainProblems(entries.slice(1), digest)).toEqual(['entry 1 is missing'])
  })
  test('entries cut off at the end, by what the lock remembers', () => {
    const entries = chain(3)
    expect(chainProblems(entries.slice(0, 2), digest, headOf(entries))).toEqual([
      'entry 3, the newest that is known of, is missing',
    ])
  })
})

test('no single change of any field goes unnoticed', () => {
  const fields = ['id', 'operation', 'startedAt', 'outcome', 'previous', 'hash'] as const
  fc.assert(
    fc.property(fc.nat(4), fc.constantFrom(...fields), fc.string({ minLength: 1 }), (at, field, value) => {
      const entries = chain(5)
      const entry = entries[at] as AuditEntry
      fc.pre(entry[field] !== value)
      entry[field] = value
      expect(chainProblems(entries, digest).length).toBeGreaterThan(0)
    }),
  )
})
