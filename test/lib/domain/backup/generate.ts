import fc from 'fast-check'
import type {
  BackupManifest,
  FullManifest,
  IncrementalManifest,
} from '../../../../src/lib/domain/backup/manifest.ts'

const base = {
  format: 1 as const,
  environment: 'test',
  database: { name: 'emr', systemId: '7', timeline: 1, oid: 5 },
  serverMajor: 15,
  slot: 'emr_slot',
  schemaFingerprint: 'f',
  objects: [],
  annotations: {},
}

const lsnOf = (position: number) => `0/${position.toString(16).toUpperCase()}`
const point = (time: number) => ({ lsn: lsnOf(time / 1000), time: new Date(time).toISOString() })

/** @param time of its end, epoch milliseconds, whole seconds; the LSN grows with it */
export function full(id: string, time: number): FullManifest {
  const end = point(time)
  const times = { startedAt: end.time, finishedAt: end.time }
  return { ...base, ...times, kind: 'full', id, chain: id, end, tableBytes: 1, identities: [], roles: [] }
}

export function incremental(id: string, parent: BackupManifest, time: number): IncrementalManifest {
  const end = point(time)
  const times = { startedAt: end.time, finishedAt: end.time }
  const counts = { sequences: [], transactions: 1, changes: 1 }
  return {
    ...base,
    ...times,
    ...counts,
    kind: 'incremental',
    id,
    parent: parent.id,
    chain: parent.chain,
    start: parent.end,
    end,
  }
}

/** Chains one after the other, as runs make them: lists of the hours from each backup to the next. */
export const history: fc.Arbitrary<BackupManifest[]> = fc
  .array(fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 6 }), { maxLength: 6 })
  .map((chains) => {
    const manifests: BackupManifest[] = []
    let time = 0
    for (const [number, gaps] of chains.entries()) {
      let tip: BackupManifest | undefined
      for (const [index, hours] of gaps.entries()) {
        time += hours * 3_600_000
        const next: BackupManifest = tip
          ? incremental(`c${number}-${index}`, tip, time)
          : full(`c${number}-0`, time)
        manifests.push(next)
        tip = next
      }
    }
    return manifests
  })

/** A history of which some manifests are lost and some damaged, so that what goes on from those hangs in the air. */
export const woundedHistory: fc.Arbitrary<{ manifests: BackupManifest[]; damaged: { id: string }[] }> =
  history.chain((whole) =>
    fc
      .array(fc.constantFrom('good', 'good', 'good', 'lost', 'damaged'), {
        minLength: whole.length,
        maxLength: whole.length,
      })
      .map((states) => ({
        manifests: whole.filter((_, index) => states[index] === 'good'),
        damaged: whole.filter((_, index) => states[index] === 'damaged').map(({ id }) => ({ id })),
      })),
  )
