import { expect, test } from 'vitest'
import type { RestoreProgress } from '../../../src/lib/adapters/postgres/target.ts'
import type { BackupManifest } from '../../../src/lib/domain/backup/manifest.ts'
import { type RestoreSteps, restore } from '../../../src/lib/workflows/backup/restore.ts'
import { full, incremental } from '../domain/backup/generate.ts'

const withBytes = <T extends BackupManifest>(manifest: T, ...sizes: number[]): T => ({
  ...manifest,
  objects: sizes.map((bytes, index) => ({
    name: `o${index}`,
    content: manifest.kind === 'full' ? 'data' : 'segment',
    bytes,
    sha256: 'a',
  })),
})

const base = withBytes(full('a', 1000_000), 100, 20)
const first = withBytes(incremental('b', base, 2000_000), 7)
const second = withBytes(incremental('c', first, 3000_000), 3)

test.each<[RestoreProgress['phase'], number]>([
  ['load', 130],
  ['replay', 10],
])('the estimate counts all that is still read, replay included: from %s', async (phase, total) => {
  const totals: (number | undefined)[] = []
  const nothing = async () => undefined
  const steps: RestoreSteps = {
    begin: async () => ({ backup: base.id, phase, lsn: base.end.lsn }),
    ...{ schema: nothing, data: nothing, indexes: nothing, enter: nothing, rest: nothing, finish: nothing },
    ...{ setIdentities: nothing, setSequences: nothing, refreshViews: nothing },
    replay: async () => ({ ended: false, transactions: 1, last: undefined }),
  }
  const progress = { step: () => undefined, total: (bytes: number | undefined) => totals.push(bytes) }
  const run = { jobs: 1, noOwner: true, progress, signal: new AbortController().signal }
  const plan = { full: base, incrementals: [first, second], end: second.end }
  expect(await restore(steps, plan, run)).toMatchObject({ transactions: 2, resumed: phase === 'replay' })
  expect(totals).toEqual([total])
})
