import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  chainsOf,
  membersOf,
  parseRestoreTarget,
  planRestore,
  unusableAfter,
} from '../../../../src/lib/domain/backup/chain.ts'
import { chainBreak, type SourceState } from '../../../../src/lib/domain/backup/continuity.ts'
import { full, history, incremental } from './generate.ts'

const base = full('a', 1000_000)
const one = incremental('b', base, 2000_000)
const two = incremental('c', one, 3000_000)
const next = full('d', 3500_000)
const { chains } = chainsOf([two, next, base, one])

test('the order in which manifests are found does not matter', () => {
  fc.assert(
    fc.property(history, fc.func(fc.integer()), (manifests, weight) => {
      const shuffled = [...manifests].sort((a, b) => weight(a.id) - weight(b.id))
      expect(chainsOf(shuffled)).toEqual(chainsOf(manifests))
      expect(chainsOf(manifests).chains.flatMap(membersOf)).toHaveLength(manifests.length)
    }),
  )
})
test('an incremental that begins elsewhere than its parent ends is no member', () => {
  const gap = { ...two, start: { ...two.start, lsn: '0/1' } }
  const found = chainsOf([base, one, gap])
  expect(found.chains[0]?.incrementals).toEqual([one])
  expect(found.orphans).toEqual([gap])
})

test.each([
  ['nothing', [base, one, two], [], []],
  ['one that goes on from a missing one', [base, two], [], ['c']],
  ['one whose manifest is damaged, and what goes on from it', [base, two], ['b'], ['b', 'c']],
  ['nothing, where a later chain is whole', [base, two, next], ['b'], []],
])('later than the newest restorable, and unusable: %s', (_what, manifests, damaged, unusable) => {
  const found = unusableAfter(
    chainsOf(manifests),
    damaged.map((id) => ({ id })),
  )
  expect(found.map(({ id }) => id)).toEqual(unusable)
})

describe('what is restored', () => {
  const plan = (text: string) => {
    const target = parseRestoreTarget(text, ['a', 'b', 'c', 'd'])
    const found = target && planRestore(chains, target)
    return found && [found.full.id, ...found.incrementals.map(({ id }) => id)]
  }
  test.each([
    ['c', ['a', 'b', 'c']],
    ['b', ['a', 'b']],
    ['a', ['a']],
    ['d', ['d']],
    ['1970-01-01T00:16:40Z', ['a']],
    ['1970-01-01T00:16:40.001Z', ['a', 'b']],
    ['1970-01-01T00:50:00Z', ['a', 'b', 'c']],
    ['1970-01-01T01:50:00+01:00', ['a', 'b', 'c']],
    ['1970-01-01T00:16:39Z', undefined],
    ['1970-01-01T00:50:01Z', undefined],
    ['1970-01-01T00:58:20Z', ['d']],
    ['1970-01-01T00:58:21Z', undefined],
    ['1970-01-01T00:50:00', undefined],
    ['yesterday', undefined],
    ['0/3E8', ['a']],
    ['0/3E9', ['a', 'b']],
    ['0/BB8', ['a', 'b', 'c']],
    ['0/3E7', undefined],
    ['1/0', undefined],
  ])('--to %s', (text, expected) => {
    expect(plan(text)).toEqual(expected)
  })
  test('nothing after the moment that was asked for is in it', () => {
    const ends = ['1970-01-01T00:16:40.500Z', '0/3E9'].map((text) => {
      const target = parseRestoreTarget(text, [])
      return target && planRestore(chains, target)?.end
    })
    expect(ends).toEqual([
      { time: '1970-01-01T00:16:40.500000Z', lsn: one.end.lsn },
      { time: one.end.time, lsn: '0/3E9' },
    ])
  })
  test('without --to, the end of the newest chain', () => {
    expect(planRestore(chains, { kind: 'end' })).toMatchObject({ full: { id: 'd' }, incrementals: [] })
  })
})

describe('a chain goes on only', () => {
  const good: SourceState = {
    database: base.database,
    serverMajor: 15,
    slot: { confirmedFlushLsn: base.end.lsn, walStatus: 'reserved' },
    hasPublication: true,
    hasTriggers: true,
    uncaptured: [],
    schemaFingerprint: base.schemaFingerprint,
  }
  test('where everything is as it was, or the slot is behind', () => {
    expect(chainBreak(base, good, '0/3E8')).toBeUndefined()
    expect(
      chainBreak(base, { ...good, slot: { confirmedFlushLsn: '0/1', walStatus: 'extended' } }, '0/3E9'),
    ).toBeUndefined()
  })
  test.each<[string, Partial<SourceState>]>([
    ['another one', { database: { ...base.database, systemId: '8' } }],
    ['made anew', { database: { ...base.database, oid: 6 } }],
    ['timeline 2', { database: { ...base.database, timeline: 2 } }],
    ['upgraded to 16', { serverMajor: 16 }],
    ['is gone', { slot: undefined }],
    ['has lost the log', { slot: { confirmedFlushLsn: '0/1', walStatus: 'lost' } }],
    ['ahead of the last backup', { slot: { confirmedFlushLsn: '0/3E9', walStatus: 'reserved' } }],
    ['the publication is gone', { hasPublication: false }],
    ['event triggers', { hasTriggers: false }],
    ['large objects', { uncaptured: ['large objects'] }],
    ['the schema has changed', { schemaFingerprint: 'g' }],
  ])('not when: %s', (words, change) => {
    expect(chainBreak(base, { ...good, ...change }, '0/3E8')).toContain(words)
  })
  test('not where the log ends before the last backup', () => {
    expect(chainBreak(base, good, '0/3E7')).toContain('was set back')
  })
  test('not where the RDS instance is another one; without rights in AWS nobody knows', () => {
    const of = (resourceId: string) => ({ ...base, database: { ...base.database, resourceId } })
    expect(chainBreak(of('db-A'), { ...good, database: of('db-B').database }, '0/3E8')).toContain(
      'RDS instance',
    )
    expect(chainBreak(of('db-A'), { ...good, database: of('db-A').database }, '0/3E8')).toBeUndefined()
    expect(chainBreak(of('db-A'), good, '0/3E8')).toBeUndefined()
  })
  test('nor from a full one that held what the log does not tell, though it is gone now', () => {
    expect(chainBreak({ ...base, uncaptured: ['large objects'] }, good, '0/3E8')).toContain('large objects')
    expect(chainBreak({ ...base, uncaptured: [] }, good, '0/3E8')).toBeUndefined()
  })
})
