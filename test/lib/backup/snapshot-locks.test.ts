import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasPostgres, type PostgresServer, startPostgres } from '../../support/postgres.ts'
import { startDatabaseProxy } from './database-proxy.ts'
import { expectRestorable, ownSlots, prepare } from './fixture.ts'
import { backupProject, open } from './project.ts'

describe.skipIf(!hasPostgres)('between the snapshot of a full backup and the locks on its tables', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server?.stop())

  // The rows that the snapshot should see are gone then, and pg_dump would find the tables empty or not at all.
  test.each([
    [`TRUNCATE t; INSERT INTO t VALUES (1, 'new')`, 1],
    ['ALTER TABLE t ALTER COLUMN id TYPE bigint', 100],
    ['DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY)', 0],
    ['ALTER TABLE t RENAME TO a; ALTER TABLE other RENAME TO t', 7],
    ['DROP SCHEMA another CASCADE', 100],
  ])('%s', async (sql, rows) => {
    const { source, client } = await prepare(server, 100)
    await client.query(`CREATE TABLE other AS SELECT generate_series(1, 7) AS id; ALTER TABLE other ADD PRIMARY KEY (id);
      CREATE SCHEMA another; CREATE TABLE another.t AS SELECT 1 AS id; ALTER TABLE another.t ADD PRIMARY KEY (id)`)
    const proxy = await startDatabaseProxy(source)
    const project = backupProject(proxy.connection)
    const locks = proxy.hold('LOCK TABLE')
    const run = project.json<{ id: string }>('full')
    await locks.seen
    await client.query(sql)
    locks.release()
    const { id } = await run
    const database = `locked_${id.toLowerCase().replaceAll('-', '_')}`
    await project.json('restore', '--target', database, '--to', id)
    const target = await open({ ...source, database })
    expect((await target.query('SELECT count(*)::int AS rows FROM t')).rows).toEqual([{ rows }])
    await expectRestorable(project, source)
    expect(await ownSlots(client)).toHaveLength(1)
  })

  test('a table that stays locked ends the backup, which names who locks it', async () => {
    const { source, client } = await prepare(server, 10)
    const proxy = await startDatabaseProxy(source)
    const project = backupProject(proxy.connection)
    await project.json('full')
    const locks = proxy.hold('LOCK TABLE')
    const run = project.run('full', '--lock-timeout', '1s')
    await locks.seen
    await client.query('BEGIN; ALTER TABLE t ADD COLUMN more int')
    const { rows } = await client.query('SELECT pg_backend_pid() AS pid')
    locks.release()
    const { exitCode, stderr } = await run
    await client.query('COMMIT')
    expect(stderr).toContain('Transactions that change tables have kept the backup from them')
    expect(stderr).toContain(`process ${rows[0].pid}, user emr`)
    expect(exitCode).toBe(4)
    await project.json('full')
  })
})
