import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { BackupManifest } from '../../../src/lib/domain/backup/manifest.ts'
import { hasPostgres, type PostgresServer, startPostgres } from '../../support/postgres.ts'
import { expectRestorable, grow, ownSlots, prepare } from './fixture.ts'
import { backupProject, newDatabase, open } from './project.ts'

describe.skipIf(!hasPostgres)('what ends a chain, and what does not', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server?.stop())

  test('a crash of the server after the slot was advanced loses and doubles nothing', async () => {
    const own = await startPostgres()
    onTestFinished(() => own.stop())
    const project = backupProject(own.connection)
    const client = await open(own.connection)
    await client.query(
      `CREATE TABLE t (id serial PRIMARY KEY, n int); CREATE TABLE bare (n int); ALTER TABLE bare REPLICA IDENTITY FULL`,
    )
    await project.json('full')
    await client.query('INSERT INTO t (n) SELECT 1; INSERT INTO bare SELECT 1')
    await project.json('incremental')
    await own.crash()
    await own.start()
    const after = await open(own.connection)
    await after.query('INSERT INTO bare SELECT 2')
    expect(await project.json('incremental')).toMatchObject({ kind: 'incremental', transactions: 1 })
    await expectRestorable(project, own.connection)
  })

  describe('what ends a chain makes a full backup, and says so', () => {
    test.each([
      [
        'is gone',
        `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()`,
      ],
      ['the publication is gone', 'DROP PUBLICATION emr_backup'],
      ['event triggers', 'ALTER EVENT TRIGGER emr_backup_ddl DISABLE'],
      ['the schema has changed', 'ALTER TABLE t ADD COLUMN more int DEFAULT 7'],
      // The schema looks as before, but what lies between cannot be replayed.
      [
        'the schema has changed (',
        'ALTER TABLE t ADD COLUMN more int; UPDATE t SET more = 1; ALTER TABLE t DROP COLUMN more',
      ],
      ['the schema has changed (DROP TABLE)', 'CREATE TABLE brief (id int PRIMARY KEY); DROP TABLE brief'],
      ['unlogged table public.u', 'CREATE UNLOGGED TABLE u AS SELECT 1 AS a'],
      ['large objects', `SELECT lo_from_bytea(0, 'text')`],
    ])('%s', async (reason, sql) => {
      const { source, client, project } = await prepare(server)
      const first = await project.json<BackupManifest>('full')
      await client.query(sql)
      await grow(client, 10)
      const status = await project.run('status')
      const made = await project.json<BackupManifest & { reason: string }>('incremental')
      expect(made).toMatchObject({ kind: 'full', chain: made.id })
      expect(made.id).not.toBe(first.id)
      if (reason === 'is gone' || reason.startsWith('the publication') || reason === 'event triggers')
        expect(status.exitCode).toBe(1)
      if (reason.includes('(')) expect(made.reason).toContain('the schema has changed (')
      else expect(made.reason).toContain(reason)
      await expectRestorable(project, source)
      expect(await ownSlots(client)).toHaveLength(1)
    })
    test('a temporary table and a refreshed materialised view do not', async () => {
      const { source, client, project } = await prepare(server)
      await client.query('CREATE MATERIALIZED VIEW m AS SELECT count(*) FROM t')
      await project.json('full')
      await client.query('CREATE TEMP TABLE x (a int); DROP TABLE x; REFRESH MATERIALIZED VIEW m')
      await grow(client, 10)
      expect(await project.json('incremental')).toMatchObject({ kind: 'incremental', transactions: 1 })
      await expectRestorable(project, source)
    })
  })

  test('text whose encoding nobody knows is in full backups alone', async () => {
    const source = await newDatabase(
      server,
      `TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'`,
    )
    const client = await open(source)
    await client.query(`CREATE TABLE t (text text PRIMARY KEY); INSERT INTO t VALUES (E'latin \\344')`)
    const project = backupProject(source)
    await project.json('full')
    await client.query(`INSERT INTO t VALUES (E'\\374')`)
    expect(await project.json('incremental')).toMatchObject({
      kind: 'full',
      reason: expect.stringContaining('SQL_ASCII'),
    })
    await expectRestorable(project, source)
  })

  test('tables without a key: refused by name, mended on request, new ones by themselves', async () => {
    const { source, client, project } = await prepare(server)
    await client.query('CREATE TABLE bare (a json); INSERT INTO bare VALUES (NULL)')
    await client.query('CREATE TABLE deferred (id int PRIMARY KEY DEFERRABLE)')
    const refused = await project.run('full')
    expect(refused.exitCode).toBe(4)
    expect(refused.stderr).toContain('"public"."bare", "public"."deferred"')
    await client.query(`UPDATE bare SET a = '1'`)
    await project.json('full', '--fix-identity')
    await client.query('CREATE TABLE bare_too (a json); INSERT INTO bare_too VALUES (NULL)')
    await client.query('CREATE TABLE deferred_too (id int PRIMARY KEY DEFERRABLE, n int)')
    await client.query('INSERT INTO deferred_too VALUES (1, 1); UPDATE deferred_too SET n = 2')
    await client.query(`UPDATE bare_too SET a = '2'; UPDATE bare SET a = '3'`)
    await project.json('incremental')
    await client.query(`UPDATE bare_too SET a = '4'; DELETE FROM bare`)
    expect(await project.json('incremental')).toMatchObject({ kind: 'incremental', changes: 2 })
    await expectRestorable(project, source)
  })
})
