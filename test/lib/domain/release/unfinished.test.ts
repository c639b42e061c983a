import { describe, expect, test } from 'vitest'
import type { ReleaseSet, ServiceState } from '../../../../src/lib/domain/release/release-set.ts'
import {
  type RecordedState,
  unexplainedVersions,
  unfinishedOperations,
  versionsText,
} from '../../../../src/lib/domain/release/unfinished.ts'
import { releaseSet } from '../../../support/release-set.ts'

const state = (revision: number, tag: string): ServiceState => ({
  revision,
  chart: 'c',
  image: `registry:5000/app:${tag}`,
  values: 'v',
  manifest: tag,
})
const [old, next] = [state(1, '1.9.0'), state(2, '1.9.1')]
const good = releaseSet('a', { services: { web: { after: old }, api: { after: old }, job: { after: old } } })
const phases = [{ name: 'services', startedAt: '2026-01-01T00:00:00.000Z' }]

/** A deploy of all that ended before its last service. */
const cut = (outcome: ReleaseSet['outcome'], rest: Partial<ReleaseSet> = {}): ReleaseSet =>
  releaseSet('b', {
    outcome,
    proven: false,
    phases,
    services: {
      web: { before: old, after: next },
      api: { before: old, after: next },
      job: { before: old, after: old },
    },
    ...rest,
  })

const recorded = (sets: ReleaseSet[], rest: Partial<RecordedState> = {}): RecordedState => ({
  environment: 'prod',
  services: ['web', 'api', 'job'],
  sets,
  atWork: undefined,
  isLockKnown: true,
  running: { web: '1.9.1', api: '1.9.1', job: '1.9.0' },
  ...rest,
})

const ids = (found: RecordedState) => unfinishedOperations(found).map(({ id }) => id)

test.each(['interrupted', 'abandoned', 'running'] as const)(
  'a deploy whose record says %s is unfinished, with what runs and how to go on',
  (outcome) => {
    const [found] = unfinishedOperations(recorded([good, cut(outcome)]))
    expect(found).toMatchObject({
      id: 'b',
      state: outcome === 'interrupted' ? 'interrupted' : 'killed',
      versions: { web: '1.9.1', api: '1.9.1', job: '1.9.0' },
      resolve: ['emr deploy prod --resume', 'emr rollback prod all'],
    })
    expect(found?.message).toContain('web, api run 1.9.1; job runs 1.9.0')
  },
)

test('an operation at work is not unfinished; where the lock cannot be read, it may be', () => {
  expect(ids(recorded([good, cut('running')], { atWork: 'b' }))).toEqual([])
  const [found] = unfinishedOperations(recorded([good, cut('running')], { isLockKnown: false }))
  expect(found?.state).toBe('running or killed')
})

test('what has changed nothing leaves nothing to resolve', () => {
  const same = { web: { before: old, after: old } }
  expect(ids(recorded([good, cut('interrupted', { services: same })]))).toEqual([])
  expect(ids(recorded([good, cut('running', { phases: [] })]))).toEqual([])
  expect(
    ids(recorded([good, cut('abandoned', { operation: 'scale', request: { services: ['web'] } })])),
  ).toEqual([])
})

describe('it is resolved', () => {
  const later = (rest: Partial<ReleaseSet>) => ids(recorded([good, cut('abandoned'), releaseSet('c', rest)]))
  test.each<[string, Partial<ReleaseSet>, boolean]>([
    ['a good deploy of all', {}, true],
    ['a rollback of all', { operation: 'rollback', outcome: 'ready' }, true],
    ['a failed deploy that went back', { outcome: 'rolled-back' }, true],
    ['a good deploy of what it had changed', { request: { services: ['web', 'api'] } }, true],
    ['a good deploy of what it had not come to', { request: { services: ['job'] } }, true],
    ['a good deploy of a part of what it had changed', { request: { services: ['web'] } }, false],
    ['a restart of one service', { operation: 'restart', request: { services: ['web'] } }, false],
    ['a failed deploy', { outcome: 'failed' }, false],
    ['an interrupted deploy that changed nothing', { outcome: 'interrupted' }, false],
  ])('by %s: %s', (_, rest, expected) => {
    expect(later(rest)).toEqual(expected ? [] : ['b'])
  })
})

test.each<[string, Partial<ReleaseSet>, string[]]>([
  [
    'a deploy on its way back',
    { phases: [...phases, { name: 'rollback', startedAt: '' }] },
    ['emr rollback prod all', 'emr deploy prod --tag TAG'],
  ],
  [
    'a rollback',
    { operation: 'rollback', request: { services: [], to: 'a' } },
    ['emr rollback prod all --to a'],
  ],
  [
    'a set',
    { operation: 'set', request: { services: ['web'], change: { 'a.b': 'c d' } } },
    ["emr set prod web 'a.b=c d'", 'emr rollback prod all'],
  ],
  [
    'a scale',
    {
      operation: 'scale',
      request: { services: ['web'], replicas: 4 },
      phases: [{ name: 'patch', startedAt: '' }],
    },
    ['emr scale prod web 4'],
  ],
  [
    'a restart',
    {
      operation: 'restart',
      request: { services: ['web'] },
      phases: [{ name: 'patch', startedAt: '' }],
    },
    ['emr restart prod web'],
  ],
])('%s says how to go on', (_, rest, resolve) => {
  expect(unfinishedOperations(recorded([good, cut('abandoned', rest)]))[0]?.resolve).toEqual(resolve)
})

describe('a version', () => {
  const all = { web: '1.9.0', api: '1.9.0', job: '1.9.0' }
  const services = (found: RecordedState) => unexplainedVersions(found).map(({ service }) => service)
  test('that a record left is explained, also where services differ', () => {
    const one = releaseSet('b', {
      request: { services: ['web'] },
      services: { ...good.services, web: { after: next } },
    })
    expect(services(recorded([good, one], { running: { ...all, web: '1.9.1' } }))).toEqual([])
  })
  test('that no record left is not', () => {
    const [found] = unexplainedVersions(recorded([good], { running: { ...all, api: '2.0.0' } }))
    expect(found).toMatchObject({ service: 'api', version: '2.0.0', recorded: '1.9.0' })
  })
  test('is explained while an operation is at work on it, or by one that is unfinished', () => {
    expect(services(recorded([good, cut('running')], { atWork: 'b' }))).toEqual([])
    expect(services(recorded([good, cut('abandoned')]))).toEqual([])
  })
  test('beside another one is a finding where there is no record at all', () => {
    expect(services(recorded([]))).toEqual(['web'])
    expect(services(recorded([], { running: all }))).toEqual([])
  })
})

test('services are grouped by what they run, and missing ones are named', () => {
  expect(versionsText({ web: '2', api: '1', job: undefined, app: '1' })).toBe(
    'web runs 2; api, app run 1; job is missing',
  )
})
