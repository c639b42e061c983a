import { expect, test } from 'vitest'
import {
  auditHeadOf,
  freeLease,
  freezeOf,
  held,
  holderOf,
  isSilent,
  lossOf,
  released,
  renewed,
  withFreeze,
} from '../../../../src/lib/adapters/kubernetes/lease.ts'

const NOW = Date.parse('2026-03-14T03:15:00.120Z')
const freeze = { reason: 'quarter end', by: 'ann', since: '2026-01-01T00:00:00.000Z' }
const holder = (id: string) => ({
  id,
  operation: 'deploy',
  by: `${id}@runner`,
  host: 'runner',
  pid: 812,
  since: '2026-03-14T03:15:00.000Z',
})
const mine = held(freeLease('ns'), holder('mine'), NOW)

test('who takes a Lease stands in it, with the time and one transition more', () => {
  expect(mine.spec).toEqual({
    holderIdentity: 'mine',
    acquireTime: '2026-03-14T03:15:00.120000Z',
    renewTime: '2026-03-14T03:15:00.120000Z',
    leaseDurationSeconds: 30,
    leaseTransitions: 1,
  })
  expect(holderOf(mine)).toEqual(holder('mine'))
  expect(held(mine, holder('other'), NOW).spec?.leaseTransitions).toBe(2)
})

test('a heartbeat changes the time of renewal alone', () => {
  const { spec, ...rest } = renewed(mine, NOW + 5000)
  expect({ ...rest, spec: { ...spec, renewTime: mine.spec?.renewTime } }).toEqual(mine)
  expect(spec?.renewTime).toBe('2026-03-14T03:15:05.120000Z')
})

test('a Lease given back has no holder, and keeps the freeze and the head of the audit log', () => {
  const head = { sequence: 7, hash: 'abc' }
  const free = released(withFreeze(mine, freeze), head)
  expect(holderOf(free)).toBeUndefined()
  expect(freezeOf(free)).toEqual(freeze)
  const next = held(free, holder('next'), NOW)
  expect([auditHeadOf(next), auditHeadOf(released(next, undefined))]).toEqual([head, head])
})

test('a freeze that is lifted leaves the rest as it is', () => {
  expect(withFreeze(withFreeze(mine, freeze), undefined)).toEqual(mine)
})

test('a holder is silent after 30 s, and 5 s for clocks that differ', () => {
  expect(isSilent(mine, NOW + 35_000)).toBe(false)
  expect(isSilent(mine, NOW + 35_001)).toBe(true)
  expect(isSilent(freeLease('ns'), NOW)).toBe(true)
})

test('who has lost a Lease is told how', () => {
  const taken = held(mine, holder('other'), NOW)
  const byHand = { ...mine, spec: { ...mine.spec, holderIdentity: 'somebody' } }
  const other = 'deploy other of other@runner (process 812) has taken it over'
  expect(
    [undefined, byHand, taken, released(taken, undefined)].map((now) => lossOf(now, holder('mine'))),
  ).toEqual([
    'the Lease emr-lock was removed',
    'the Lease emr-lock was changed by hand',
    other,
    `${other} and has ended since`,
  ])
})
