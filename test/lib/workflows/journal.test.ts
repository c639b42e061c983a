import { expect, test } from 'vitest'
import type { AuditEntry } from '../../../src/lib/domain/release/audit.ts'
import type { ReleaseSet } from '../../../src/lib/domain/release/release-set.ts'
import { Journal } from '../../../src/lib/workflows/record/journal.ts'
import { closeAbandoned, type RecoveryPorts } from '../../../src/lib/workflows/record/recover.ts'

const { signal } = new AbortController()
const set: ReleaseSet = {
  id: 'd-1',
  operation: 'deploy',
  environment: 'test',
  by: { name: 'ann', host: 'runner' },
  startedAt: '2026-03-14T03:15:00.000Z',
  outcome: 'running',
  request: { services: [] },
  phases: [],
  services: {},
}

/** A journal whose lock can be lost, and what it wrote. */
function journal() {
  const written: ReleaseSet[] = []
  const lock = { held: true }
  const sets = {
    list: async () => [],
    begin: async () => undefined,
    update: async (next: ReleaseSet) => void written.push(next),
  }
  const confirm = async () => {
    if (!lock.held) throw new Error('the lock was lost')
  }
  return { written, lock, journal: new Journal({ sets, confirm, now: () => 0 }, set) }
}

test('a phase is on record before its work starts, and again when it has ended', async () => {
  const { journal: mine, written } = journal()
  await mine.phase('services', signal, async () => {
    expect(written.at(-1)?.phases).toEqual([{ name: 'services', startedAt: '1970-01-01T00:00:00.000Z' }])
  })
  expect(written.at(-1)?.phases[0]).toHaveProperty('endedAt')
})

test('a phase within another ends before it, and both stay on record', async () => {
  const { journal: mine, written } = journal()
  const endings = () => written.at(-1)?.phases.map(({ name, endedAt }) => [name, endedAt !== undefined])
  await mine.phase('pods', signal, async () => {
    await mine.phase('patch', signal, async () => undefined)
    expect(endings()).toEqual([
      ['pods', false],
      ['patch', true],
    ])
  })
  expect(endings()).toEqual([
    ['pods', true],
    ['patch', true],
  ])
})

const at = { startedAt: '2026-03-14T03:15:00.000Z' }
const ended = { ...at, endedAt: '2026-03-14T03:15:01.000Z' }
const pods = { name: 'pods', ...at }

test.each([
  ['scale', [], 'before it changed anything'],
  ['scale', [pods], "in the phase 'pods'; it had changed nothing"],
  ['scale', [pods, { name: 'patch', ...at }], "in the phase 'patch'; it may have begun to scale web to 3"],
  ['scale', [pods, { name: 'patch', ...ended }], "in the phase 'pods'; it had begun to scale web to 3"],
  ['restart', [pods, { name: 'patch', ...ended }], "in the phase 'pods'; it had begun to restart web"],
] as const)('a %s that was cut off after %j is told as it was', async (operation, phases, told) => {
  const replicas = operation === 'scale' ? 3 : undefined
  const cutOff = { ...set, operation, phases: [...phases], request: { services: ['web'], replicas } }
  const ports: RecoveryPorts = {
    sets: { update: async () => undefined },
    audit: { entries: async () => [], append: async (facts) => facts as AuditEntry },
    helm: { status: async () => undefined },
    signal,
    now: () => 0,
  }
  expect(await closeAbandoned(ports, [cutOff])).toEqual([`${operation} d-1 of ann was cut off ${told}`])
})

test('without the lock no phase starts, and nothing is written over what its new holder does', async () => {
  const { journal: mine, written, lock } = journal()
  lock.held = false
  const work = async () => expect.unreachable()
  await expect(mine.phase('services', signal, work)).rejects.toThrow('the lock was lost')
  await expect(mine.end({ outcome: 'good' }, {}, signal)).rejects.toThrow('the lock was lost')
  expect(written).toEqual([])
})
