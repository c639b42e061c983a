import { expect, test } from 'vitest'
import type { ReleaseSet } from '../../../src/lib/domain/release/release-set.ts'
import { Journal } from '../../../src/lib/workflows/record/journal.ts'

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

test('without the lock no phase starts, and nothing is written over what its new holder does', async () => {
  const { journal: mine, written, lock } = journal()
  lock.held = false
  const work = async () => expect.unreachable()
  await expect(mine.phase('services', signal, work)).rejects.toThrow('the lock was lost')
  await expect(mine.end({ outcome: 'good' }, {}, signal)).rejects.toThrow('the lock was lost')
  expect(written).toEqual([])
})
