import { describe, expect, test } from 'vitest'
import {
  differingFrom,
  lastProven,
  provenStates,
  type ReleaseSet,
  rollbackTarget,
  type ServiceState,
  sameState,
} from '../../../../src/lib/domain/release/release-set.ts'
import { releaseSet } from '../../../support/release-set.ts'

const state = (tag: string, revision = 1): ServiceState => ({
  revision,
  chart: 'a-0.1.0',
  image: `a:${tag}`,
  values: `values ${tag}`,
  manifest: `manifest ${tag}`,
})

/** A set that left the services a and b on these versions. */
function set(id: string, a: string, b: string, rest: Partial<ReleaseSet> = {}): ReleaseSet {
  return releaseSet(id, { services: { a: { after: state(a) }, b: { after: state(b) } }, ...rest })
}

const live = (a: string, b: string) => ({ a: state(a, 9), b: state(b, 9) })
const failed = { outcome: 'failed', proven: false } as const

test('the same manifest under another number of helm is the same state', () => {
  expect(sameState(state('v1', 1), state('v1', 7))).toBe(true)
  expect(sameState(state('v1'), state('v2'))).toBe(false)
  expect(sameState(undefined, state('v1'))).toBe(false)
})

describe('where a rollback goes', () => {
  test('what runs has fallen away from the newest good set: back to that', () => {
    const sets = [set('1', 'v1', 'v1'), set('2', 'v2', 'v2'), set('3', 'v3', 'v2', failed)]
    expect(rollbackTarget(sets, live('v3', 'v2'))?.id).toBe('2')
    expect(rollbackTarget(sets, live('v2', 'by hand'))?.id).toBe('2')
  })
  test('the newest good set is what runs: the good one before it', () => {
    const sets = [set('1', 'v1', 'v1'), set('2', 'v2', 'v2'), set('3', 'v2', 'v2')]
    expect(rollbackTarget(sets, live('v2', 'v2'))?.id).toBe('1')
  })
  test('after a rollback, further back: never forward to what was left', () => {
    const back = set('3', 'v1', 'v1', { operation: 'rollback', restored: '1' })
    const sets = [set('0', 'v0', 'v1'), set('1', 'v1', 'v1'), set('2', 'v2', 'v2'), back]
    expect(rollbackTarget(sets, live('v1', 'v1'))?.id).toBe('0')
    expect(rollbackTarget(sets.slice(1), live('v1', 'v1'))).toBeUndefined()
  })
  test('after a rollback of one service, the others follow it', () => {
    const one = set('3', 'v1', 'v2', { operation: 'rollback', restored: '1' })
    const sets = [set('1', 'v1', 'v1'), set('2', 'v2', 'v2'), one]
    expect(rollbackTarget(sets, live('v1', 'v2'))?.id).toBe('1')
  })
  test('one service: the newest good set in which it differs', () => {
    const sets = [set('1', 'v1', 'v1'), set('2', 'v1', 'v2'), set('3', 'v3', 'v2')]
    expect(rollbackTarget(sets, live('v3', 'v2'), ['a'])?.id).toBe('2')
    expect(rollbackTarget(sets, live('v3', 'v2'), ['b'])?.id).toBe('1')
  })
  test('sets that no smoke tests have proven count only where none was proven', () => {
    const ready = { outcome: 'ready', proven: false } as const
    const sets = [set('1', 'v1', 'v1', ready), set('2', 'v2', 'v2', ready)]
    expect(rollbackTarget(sets, live('v2', 'v2'))?.id).toBe('1')
    expect(rollbackTarget([set('0', 'v0', 'v0'), ...sets], live('v2', 'v2'))?.id).toBe('0')
  })
  test('nothing is good: nowhere', () => {
    expect(rollbackTarget([], live('v1', 'v1'))).toBeUndefined()
    expect(rollbackTarget([set('1', 'v1', 'v1', failed)], live('v1', 'v1'))).toBeUndefined()
  })
})

test('an automatic rollback takes the newest proven set, even where a newer one was only ready', () => {
  const ready = set('2', 'v2', 'v2', { outcome: 'ready', proven: false })
  expect(lastProven([set('1', 'v1', 'v1'), ready])?.id).toBe('1')
  expect(lastProven([ready])?.id).toBe('2')
  expect(lastProven([set('3', 'v3', 'v3', failed)])).toBeUndefined()
})

describe('what a set may claim to have left', () => {
  const base = set('1', 'v1', 'v1')
  const claim = (rest: Partial<ReleaseSet>, ready: string[]) =>
    Object.keys(provenStates({ ...base, ...rest, ready }, live('v2', 'v1'), base))
  test('proven by smoke tests: everything', () => expect(claim({}, [])).toEqual(['a', 'b']))
  test('only ready: what was followed, and what was good before', () => {
    const ready = { outcome: 'ready', proven: false } as const
    expect(claim(ready, [])).toEqual(['b'])
    expect(claim(ready, ['a'])).toEqual(['a', 'b'])
  })
  test('rolled back: not the service that failed and had nothing to go back to', () => {
    expect(claim({ outcome: 'rolled-back' }, [])).toEqual(['b'])
  })
  test('failed: everything, as a record of how things stand', () => {
    expect(claim({ outcome: 'failed', proven: false }, [])).toEqual(['a', 'b'])
  })
})

test('what an operation has changed shows by helm’s numbers', () => {
  const before = { a: { before: state('v1', 1) }, b: { before: state('v1', 4) }, c: {} }
  expect(differingFrom(before, { a: state('v1', 2), b: state('v1', 4) })).toEqual(['a'])
})
