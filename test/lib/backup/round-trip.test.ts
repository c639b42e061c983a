import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect, type DatabaseConnection } from '../../../src/lib/adapters/postgres/connection.ts'
import type { BackupManifest } from '../../../src/lib/domain/backup/manifest.ts'
import { hasPostgres, type PostgresServer, startPostgres } from '../../support/postgres.ts'
import {
  type BackupProject,
  backupProject,
  contentOf,
  flipByte,
  newDatabase,
  open,
  remove,
} from './project.ts'

const SCHEMA = readFileSync(join(import.meta.dirname, 'schema.sql'), 'utf8')
const CHANGES = readFileSync(join(import.meta.dirname, 'changes.sql'), 'utf8')

describe.skipIf(!hasPostgres)('a full backup and four incrementals', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server?.stop())

  test('restore to the end and to an earlier point, with writers running', { timeout: 300_000 }, async () => {
    // Not the server's own locale.
    const source = await newDatabase(server, `TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'`)
    const client = await open(source)
    await client.query(SCHEMA)
    const project = backupProject(source)
    const writers = startWriters(source)
    await project.json('full', '--fix-identity')
    let earlier: Awaited<ReturnType<typeof contentOf>> | undefined
    let earlierId = ''
    let momentTables: unknown
    let moment = { lsn: '', time: '' }
    for (let round = 1; round <= 4; round += 1) {
      await client.query(CHANGES.replaceAll(':round', String(round)))
      await writers.until(round * 40)
      if (round === 2 || round === 4) await writers.pause()
      const { id, kind } = await project.json<BackupManifest>('incremental')
      expect(kind).toBe('incremental')
      if (round === 2) {
        earlier = await contentOf(source)
        earlierId = id
        // Within the next incremental.
        await client.query(`INSERT INTO keyless VALUES ('moment', 0, NULL)`)
        momentTables = (await contentOf(source)).tables
        const { rows } = await client.query(
          `SELECT pg_current_wal_flush_lsn()::text AS lsn, to_json(clock_timestamp()) #>> '{}' AS time`,
        )
        moment = rows[0]
      }
      if (round < 4) writers.resume()
    }
    await writers.stop()
    const end = await contentOf(source)
    expect(end.tables.length).toBeGreaterThan(15)
    expect(end).not.toEqual(earlier)

    await project.json('verify', '--decode')
    await project.json('restore', '--target', 'restored_end')
    expect(await contentOf({ ...source, database: 'restored_end' })).toEqual(end)
    expect(await definitions({ ...source, database: 'restored_end' })).toEqual(await definitions(source))
    await project.json('restore', '--target', 'restored_earlier', '--to', earlierId)
    expect(await contentOf({ ...source, database: 'restored_earlier' })).toEqual(earlier)

    // Within the third incremental: sequences are those of that one's end.
    for (const [database, to] of Object.entries({ restored_lsn: moment.lsn, restored_time: moment.time })) {
      const { incrementals } = await project.json<{ incrementals: number }>(
        'restore',
        '--target',
        database,
        '--to',
        to,
      )
      expect(incrementals).toBe(3)
      expect((await contentOf({ ...source, database })).tables).toEqual(momentTables)
    }

    // The restored database works: its identity goes on, its key refuses, its trigger fires.
    const restored = await open({ ...source, database: 'restored_end' })
    // As of the end, in the order in which they read each other.
    const views = await restored.query(
      'SELECT twice, patients, (SELECT count(*) FROM patient) FROM a_first, patients',
    )
    const [{ twice, patients, count }] = views.rows
    expect({ twice, patients }).toEqual({ twice: String(count * 2), patients: count })
    await restored.query(`INSERT INTO patient (name) VALUES ('new')`)
    await expect(restored.query(`INSERT INTO visit (patient_id) VALUES (-5)`)).rejects.toThrow('foreign key')

    await negativeControls(project, source, end)
  })
})

/** What must not pass: one changed row, one flipped bit, one missing segment. */
async function negativeControls(
  project: BackupProject,
  source: DatabaseConnection,
  end: Awaited<ReturnType<typeof contentOf>>,
): Promise<void> {
  const changed = await open({ ...source, database: 'restored_end' })
  await changed.query(`UPDATE visit SET note = note || '.' WHERE id = (SELECT min(id) FROM visit)`)
  expect((await contentOf({ ...source, database: 'restored_end' })).tables).not.toEqual(end.tables)

  const { chains } = await project.json<{ chains: { backups: { id: string }[] }[] }>('list')
  const third = chains[0]?.backups[3]?.id ?? ''
  const segment = join(project.store, third, 'changes.zst')
  const bytes = readFileSync(segment)
  flipByte(segment)
  expect(await project.run('verify')).toMatchObject({ exitCode: 1 })
  const flipped = await project.run('restore', '--target', 'restored_flipped')
  expect(flipped.exitCode).toBe(1)
  expect(flipped.stderr).toContain('The backup is damaged')
  writeFileSync(segment, bytes)
  await project.json('verify')

  remove(segment)
  expect(await project.run('verify')).toMatchObject({ exitCode: 1 })
  expect((await project.run('restore', '--target', 'restored_missing')).exitCode).toBe(5)
  writeFileSync(segment, bytes)
  remove(join(project.store, third))
  const orphaned = await project.run('verify')
  expect(orphaned.exitCode).toBe(1)
  expect(orphaned.stdout).toContain('the backup that it goes on from is missing')
  const status = await project.run('status')
  expect(status.exitCode).toBe(1)
  expect(status.stdout).toContain('cannot be restored: the backup before it is gone')
  const older = await project.run('restore', '--target', 'restored_older')
  expect(older.exitCode).toBe(1)
  expect(older.stderr).toContain(`--to ${chains[0]?.backups[2]?.id}`)
}

/** Four writers that insert, update and delete small rows, each on a connection of its own. */
function startWriters(connection: DatabaseConnection) {
  let paused = false
  let stopped = false
  let transactions = 0
  let wake = () => {}
  const waiting = new Set<() => void>()
  let gate = Promise.resolve()
  const idle = new Set<number>()
  const notify = () => {
    for (const check of waiting) check()
  }
  const writer = async (number: number) => {
    const client = await connect(connection, { settings: { search_path: 'public' } })
    for (let turn = 0; !stopped; turn += 1) {
      if (paused) {
        idle.add(number)
        notify()
        await gate
        idle.delete(number)
        continue
      }
      await oneTransaction(client, number, turn)
      transactions += 1
      notify()
    }
    await client.end()
  }
  const done = Promise.all([0, 1, 2, 3].map(writer))
  const when = (condition: () => boolean) =>
    new Promise<void>((resolve) => {
      const check = () => {
        if (!condition()) return
        waiting.delete(check)
        resolve()
      }
      waiting.add(check)
      check()
    })
  return {
    until: (count: number) => when(() => transactions >= count),
    pause: async () => {
      paused = true
      gate = new Promise((resolve) => {
        wake = resolve
      })
      await when(() => idle.size === 4)
    },
    resume: () => {
      paused = false
      wake()
    },
    stop: async () => {
      stopped = true
      paused = false
      wake()
      await done
    },
  }
}

async function oneTransaction(client: Client, writer: number, turn: number): Promise<void> {
  await client.query('BEGIN')
  await client.query(
    `INSERT INTO visit (patient_id, note) SELECT id, 'w${writer} t${turn}' FROM patient WHERE id = 1`,
  )
  await client.query(`UPDATE counter SET value = value + 1 WHERE name = 'w${writer}'`)
  await client.query(`INSERT INTO keyless VALUES ('w${writer}', ${turn}, NULL), ('same', 1, NULL)`)
  if (turn % 3 === 0) await client.query(`DELETE FROM visit WHERE note = 'w${writer} t${turn - 2}'`)
  await client.query(turn % 5 === 4 ? 'ROLLBACK' : 'COMMIT')
}

/** Constraints, triggers, views, identities: what the content does not show. */
async function definitions(connection: DatabaseConnection): Promise<unknown> {
  const client = await connect(connection)
  try {
    const { rows } = await client.query(`
      SELECT 'constraint' AS kind, conrelid::regclass::text AS "on", conname::text AS name, pg_get_constraintdef(oid) AS def
      FROM pg_constraint WHERE connamespace = 'public'::regnamespace
      UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname::text, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
      UNION ALL SELECT 'view', '', viewname::text, definition FROM pg_views WHERE schemaname = 'public'
      UNION ALL SELECT 'database', datcollate::text, datctype::text, pg_encoding_to_char(encoding)::text FROM pg_database
        WHERE datname = current_database()
      UNION ALL SELECT 'matview', ispopulated::text, matviewname::text, definition FROM pg_matviews WHERE schemaname = 'public'
      UNION ALL SELECT 'index', tablename::text, indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'public'
      UNION ALL SELECT 'identity', attrelid::regclass::text, attname::text, attidentity::text FROM pg_attribute
        WHERE attidentity <> '' AND attrelid::regclass::text NOT LIKE 'emr%'
      UNION ALL SELECT 'event trigger', '', evtname::text, evtevent::text FROM pg_event_trigger WHERE evtname NOT LIKE 'emr_backup%'
      UNION ALL SELECT 'rule', tablename::text, rulename::text, definition FROM pg_rules WHERE schemaname = 'public'
      ORDER BY 1, 2, 3`)
    return rows
  } finally {
    await client.end()
  }
}
