import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chainsOf, planRestore } from '../../../../src/lib/domain/backup/chain.ts'
import { ABANDONED_AFTER_MS, planPrune } from '../../../../src/lib/domain/backup/retention.ts'
import { full, incremental, woundedHistory } from './generate.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const NOTHING_ELSE = { damaged: [], unfinished: [] }

const unfinished = fc.array(
  fc.record({ id: fc.uuid(), touchedAt: fc.integer({ min: 0, max: 5000 }).map((hours) => hours * HOUR) }),
  { maxLength: 4 },
)
const situation = fc.record({
  history: woundedHistory,
  unfinished,
  keepMs: fc.integer({ min: 0, max: 60 }).map((days) => days * DAY),
  later: fc.integer({ min: 0, max: 2000 }).map((hours) => hours * HOUR),
})

function decide({
  history: { manifests, damaged },
  unfinished: left,
  keepMs,
  later,
}: typeof situation extends fc.Arbitrary<infer T> ? T : never) {
  const now = Math.max(0, ...manifests.map(({ end }) => Date.parse(end.time))) + later
  const decisions = planPrune(chainsOf(manifests), { damaged, unfinished: left }, { keepMs, now })
  const deleted = new Set(decisions.filter(({ action }) => action === 'delete').map(({ id }) => id))
  const kept = manifests.filter(({ id }) => !deleted.has(id))
  return { now, decisions, deleted, kept, ...chainsOf(manifests) }
}

describe('prune, whatever the history', () => {
  test('decides about everything once', () => {
    fc.assert(
      fc.property(situation, (given) => {
        const { manifests, damaged } = given.history
        const ids = decide(given).decisions.map(({ id }) => id)
        expect(ids.sort()).toEqual([...manifests, ...damaged, ...given.unfinished].map(({ id }) => id).sort())
      }),
    )
  })
  test('never deletes anything of the newest good chain', () => {
    fc.assert(
      fc.property(situation, (given) => {
        const { deleted, chains } = decide(given)
        const newest = chains.at(-1)
        for (const member of newest ? [newest.full, ...newest.incrementals] : [])
          expect(deleted).not.toContain(member.id)
      }),
    )
  })
  test('never deletes a parent that a kept backup needs: chains go whole', () => {
    fc.assert(
      fc.property(situation, (given) => {
        const { deleted, kept } = decide(given)
        for (const member of kept) {
          expect(deleted).not.toContain(member.chain)
          if (member.kind === 'incremental') expect(deleted).not.toContain(member.parent)
        }
      }),
    )
  })
  test('never deletes what is damaged, nor what may go on from it', () => {
    fc.assert(
      fc.property(situation, (given) => {
        const { damaged } = given.history
        const { deleted, orphans } = decide(given)
        for (const { id } of damaged) expect(deleted).not.toContain(id)
        for (const { id } of orphans) expect(deleted.has(id)).toBe(damaged.length === 0)
      }),
    )
  })
  test('every moment of the time to keep that could be restored still can', () => {
    fc.assert(
      fc.property(situation, fc.double({ min: 0, max: 1, noNaN: true }), (given, share) => {
        const { now, kept } = decide(given)
        const time = (now - given.keepMs * share) * 1000
        const plan = (manifests: typeof kept) =>
          planRestore(chainsOf(manifests).chains, { kind: 'time', time })
        const { manifests } = given.history
        if (plan(manifests)) expect(plan(kept)).toEqual(plan(manifests))
      }),
    )
  })
  test('what is no backup never changes what is kept', () => {
    fc.assert(
      fc.property(situation, (given) => {
        expect(decide(given).kept).toEqual(decide({ ...given, unfinished: [] }).kept)
      }),
    )
  })
  test('an unfinished run goes once nobody can be at it any more', () => {
    const now = 100 * DAY
    const left = [
      { id: 'old', touchedAt: now - ABANDONED_AFTER_MS - 1 },
      { id: 'young', touchedAt: now - ABANDONED_AFTER_MS + 1 },
    ]
    const decisions = planPrune(chainsOf([]), { damaged: [], unfinished: left }, { keepMs: 0, now })
    expect(decisions.map(({ id, action }) => [id, action])).toEqual([
      ['old', 'delete'],
      ['young', 'keep'],
    ])
  })
})

test('30 days keep the newest full that is older than 30 days', () => {
  const now = 100 * DAY
  const chains = [
    full('a', now - 80 * DAY),
    full('b', now - 45 * DAY),
    full('c', now - 20 * DAY),
    full('d', now - DAY),
  ]
  const decisions = planPrune(chainsOf(chains), NOTHING_ELSE, { keepMs: 30 * DAY, now })
  expect(decisions.map(({ id, action }) => [id, action])).toEqual([
    ['a', 'delete'],
    ['b', 'keep'],
    ['c', 'keep'],
    ['d', 'keep'],
  ])
})

test('an incremental without its parent goes, and does not keep the chain before it', () => {
  const base = full('a', DAY)
  const lost = incremental('b', base, 2 * DAY)
  const orphan = incremental('c', lost, 3 * DAY)
  const decisions = planPrune(chainsOf([base, orphan]), NOTHING_ELSE, { keepMs: 0, now: 90 * DAY })
  expect(decisions.map(({ id, action }) => [id, action])).toEqual([
    ['a', 'keep'],
    ['c', 'delete'],
  ])
})
