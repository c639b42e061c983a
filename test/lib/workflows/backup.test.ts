import { describe, expect, test } from 'vitest'
import type { BackupManifest } from '../../../src/lib/domain/backup/manifest.ts'
import { drill } from '../../../src/lib/workflows/backup/drill.ts'
import { fullBackup } from '../../../src/lib/workflows/backup/full.ts'
import { incrementalBackup } from '../../../src/lib/workflows/backup/incremental.ts'
import type { BackupPorts } from '../../../src/lib/workflows/backup/ports.ts'
import { full } from '../domain/backup/generate.ts'

const request = { jobs: 2, fixIdentity: false, lockTimeoutMs: 1000, annotations: {} }
const before = full('before', 3_600_000)

/** A database and a store in memory. @param fails the step that fails */
function backup(fails?: string) {
  const log: string[] = []
  const published: BackupManifest[] = [before]
  const step = (name: string) => {
    log.push(name)
    if (name === fails) throw new Error(`${name} failed`)
  }
  const snapshot = {
    point: before.end,
    tables: async () => [{ schema: 'public', name: 't', bytes: 10 }],
    dump: () => ({}),
    fingerprint: async () => before.schemaFingerprint,
    restoreNeeds: async () => ({ identities: [], roles: [] }),
    contentHashes: async () => [],
    populatedViews: async () => [{ schema: 'public', name: 'm' }],
    keepSlot: async () => step('keep its slot'),
    close: async () => step('close'),
  }
  async function* changes() {
    yield Buffer.from('change')
    return { end: before.end, transactions: 1, changes: 1 }
  }
  const source = {
    facts: { database: before.database, serverMajor: before.serverMajor },
    installGuard: async () => undefined,
    snapshot: async () => snapshot,
    dropSlotsExcept: async (_: string, slot: string) =>
      step(slot === before.slot ? 'tidy up' : 'drop the old slot'),
    state: async () => {
      step('ask')
      return {
        database: before.database,
        serverMajor: before.serverMajor,
        hasPublication: true,
        hasTriggers: true,
        slot: { confirmedFlushLsn: before.end.lsn, walStatus: 'reserved' },
        uncaptured: [],
        schemaFingerprint: before.schemaFingerprint,
      }
    },
    mark: async () => {
      step('mark the end')
      const { lsn } = before.end
      return { marker: 'this/1', lsn, passed: lsn, sequences: [], populatedViews: [] }
    },
    changes,
    advance: async () => step('advance the slot'),
  }
  const ports = {
    id: 'this',
    environment: 'test',
    source,
    catalog: {
      keyOf: (id: string, name: string) => `${id}/${name}`,
      read: async () => ({ manifests: published, damaged: [], unfinished: [] }),
      publish: async (manifest: BackupManifest) => {
        step('publish')
        published.push(manifest)
        return fails !== 'another run was first'
      },
      discard: async (id: string) => {
        if (!published.some((manifest) => manifest.id === id)) log.push(`remove ${id}`)
      },
    },
    store: async (key: string, programs: { stream?: AsyncIterable<Buffer> }) => {
      for await (const _ of programs.stream ?? []);
      step(`store ${key}`)
      return { bytes: 1, sha256: 'a' }
    },
    compress: (stream: AsyncIterable<Buffer>) => ({ stream }),
    slotPrefix: 'emr_',
    progress: { step: () => undefined, total: () => undefined },
    signal: new AbortController().signal,
    now: () => 0,
  } as unknown as BackupPorts
  return { ports, log, ids: () => published.map(({ id }) => id) }
}

describe('a full backup', () => {
  test('counts only once all of it is stored and its slot is kept; the old slot goes last', async () => {
    const { ports, log } = backup()
    await fullBackup(ports, request)
    const stored = log.filter((line) => line.startsWith('store'))
    expect(stored.length).toBeGreaterThan(1)
    expect(log).toEqual(['tidy up', ...stored, 'keep its slot', 'publish', 'drop the old slot', 'close'])
  })
  test.each(['store this/schema.dump.zst', 'store this/data-1.dump.zst', 'keep its slot', 'publish'])(
    'that fails at: %s',
    async (fails) => {
      const { ports, log, ids } = backup(fails)
      await expect(fullBackup(ports, request)).rejects.toThrow(`${fails} failed`)
      expect(ids()).toEqual(['before'])
      expect(log.slice(-2)).toEqual(['remove this', 'close'])
      expect(log).not.toContain('drop the old slot')
    },
  )
})

describe('a full backup that is published', () => {
  test.each(['drop the old slot', 'close'])('stays, whatever fails after it: %s', async (fails) => {
    const { ports, log, ids } = backup(fails)
    await expect(fullBackup(ports, request)).rejects.toThrow(`${fails} failed`)
    expect(ids()).toEqual(['before', 'this'])
    expect(log).not.toContain('remove this')
  })
})

test('a full backup whose id another run has taken is refused, and that one stays', async () => {
  const { ports, log } = backup('another run was first')
  await expect(fullBackup(ports, request)).rejects.toMatchObject({ code: 'BACKUP_EXISTS', exitCode: 8 })
  expect(log).not.toContain('remove this')
  expect(log).not.toContain('drop the old slot')
})

describe('a drill', () => {
  test.each([
    ['views', [], { ok: false, unpopulatedViews: ['"public"."m"'] }],
    ['nothing', [{ schema: 'public', name: 'm' }], { ok: true, unpopulatedViews: [] }],
  ])('whose copy lacks %s', async (_, populatedViews, expected) => {
    const { ports } = backup()
    const scratch = async () => ({ tables: [], populatedViews, durationMs: 1 })
    expect(await drill(ports, request, scratch)).toMatchObject({ differences: [], ...expected })
  })
})

describe('an incremental backup', () => {
  test('counts only once it is stored, and only then the server may forget', async () => {
    const { ports, log } = backup()
    await incrementalBackup(ports, request)
    expect(log).toEqual([
      ...['mark the end', 'ask', 'tidy up'],
      ...['store this/changes.zst', 'publish', 'advance the slot'],
    ])
  })
  test.each(['store this/changes.zst', 'publish'])('that fails at: %s', async (fails) => {
    const { ports, log, ids } = backup(fails)
    await expect(incrementalBackup(ports, request)).rejects.toThrow(`${fails} failed`)
    expect(ids()).toEqual(['before'])
    expect(log.at(-1)).toBe('remove this')
  })
  test('is good also where the slot could not be advanced', async () => {
    const { ports, log, ids } = backup('advance the slot')
    await expect(incrementalBackup(ports, request)).rejects.toThrow('advance the slot failed')
    expect(ids()).toEqual(['before', 'this'])
    expect(log).not.toContain('remove this')
  })
})
