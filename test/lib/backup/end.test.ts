import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { BackupManifest } from '../../../src/lib/domain/backup/manifest.ts'
import { hasPostgres, type PostgresServer, startPostgres } from '../../support/postgres.ts'
import { startDatabaseProxy } from './database-proxy.ts'
import { expectRestorable } from './fixture.ts'
import { backupProject, contentOf, newDatabase, open } from './project.ts'

describe.skipIf(!hasPostgres)('the end of an incremental backup', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server?.stop())

  async function chain() {
    const source = await newDatabase(server)
    const client = await open(source)
    await client.query(`
      CREATE TABLE t (id serial PRIMARY KEY, text text); CREATE SEQUENCE s; CREATE SEQUENCE down INCREMENT BY -1;
      CREATE MATERIALIZED VIEW m AS SELECT count(*) FROM t; CREATE TABLE made (id int PRIMARY KEY);
      INSERT INTO t (text) SELECT 'before' FROM generate_series(1, 5); SELECT nextval('s'), nextval('down')`)
    const proxy = await startDatabaseProxy(source)
    const project = backupProject(proxy.connection)
    await project.json('full')
    await client.query(`INSERT INTO t (text) VALUES ('after'); SELECT setval('s', 90), setval('down', -90)`)
    return { source, client, proxy, project }
  }

  // A sequence that was read too late, or under a name that the schema does not have, makes the restore fail or be behind.
  test.each([
    [`INSERT INTO t (text) VALUES ('late'); SELECT nextval('s'), nextval('down')`, 'incremental', 1],
    ['TRUNCATE t RESTART IDENTITY', 'incremental', 2],
    [`DELETE FROM t; SELECT setval('t_id_seq', 1, false)`, 'incremental', 2],
    [`INSERT INTO made VALUES (3); SELECT setval('down', -9)`, 'incremental', 2],
    ['INSERT INTO made VALUES (3); REFRESH MATERIALIZED VIEW m WITH NO DATA', 'incremental', 2],
    ['ALTER SEQUENCE s RESTART', 'full', 2],
    ['CREATE SEQUENCE s2', 'full', 2],
    ['DROP SEQUENCE s', 'full', 2],
    ['ALTER SEQUENCE s RENAME TO s2', 'full', 2],
    ['ALTER MATERIALIZED VIEW m RENAME TO m2', 'full', 2],
  ])('between the marker and the reading of the sequences: %s', async (sql, kind, markers) => {
    const { source, client, proxy, project } = await chain()
    const marker = proxy.hold('emr_marker')
    const run = project.json<BackupManifest>('incremental')
    await marker.seen
    const reading = proxy.hold(`relkind = 'S'`)
    marker.release()
    await reading.seen
    const atMarker = await contentOf(source)
    await client.query(sql)
    reading.release()
    const made = await run
    expect(made.kind).toBe(kind)
    const database = `at_end_${made.id.toLowerCase().replaceAll('-', '_')}`
    await project.json('restore', '--target', database, '--to', made.id)
    const restored = await contentOf({ ...source, database })
    const expected = markers === 1 ? atMarker : await contentOf(source)
    expect(restored.tables).toEqual(expected.tables)
    // What is later than the marker may be in a sequence, but nothing earlier.
    expect(restored.sequences).toEqual((await contentOf(source)).sequences)
    expect(await project.json('incremental')).toMatchObject({ kind: 'incremental' })
  })

  test.each([
    ['large objects', `SELECT lo_from_bytea(0, 'text')`],
    [
      'the schema has changed',
      `ALTER EVENT TRIGGER emr_backup_ddl DISABLE; ALTER TABLE made ADD COLUMN more int; INSERT INTO made VALUES (1, 2);
       ALTER EVENT TRIGGER emr_backup_ddl ENABLE ALWAYS`,
    ],
  ])('just before the marker: %s', async (reason, sql) => {
    const { source, client, proxy, project } = await chain()
    const marker = proxy.hold('emr_marker')
    const run = project.json<BackupManifest & { reason: string }>('incremental')
    await marker.seen
    await client.query(sql)
    marker.release()
    expect(await run).toMatchObject({ kind: 'full', reason: expect.stringContaining(reason) })
    await expectRestorable(project, source)
  })
})
