import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasPostgres, type PostgresServer, startPostgres } from '../../support/postgres.ts'
import { grow, ownSlots } from './fixture.ts'
import { backupProject, contentOf, newDatabase, open } from './project.ts'

const RUNBOOK = readFileSync(
  join(import.meta.dirname, '../../../docs/runbooks/backup-and-restore.md'),
  'utf8',
)

/** The runbook's own words, for this database and for a server that is not of RDS. */
function roleSql(database: string): string {
  const [, sql = ''] = /^\*\*Role\*\*.*?```sql\n(.*?)```/ms.exec(RUNBOOK) ?? []
  const changes = [
    [`'…'`, `'role-secret'`],
    ['GRANT rds_replication TO emr_backup', 'ALTER ROLE emr_backup REPLICATION'],
    ['ON DATABASE emr ', `ON DATABASE ${database} `],
  ] as const
  return changes.reduce((text, [from, to]) => {
    expect(text).toContain(from)
    return text.replace(from, to)
  }, sql)
}

describe.skipIf(!hasPostgres)('the role of the runbook', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server?.stop())

  test('does all but the first full backup, and is told who blocks one', async () => {
    const source = await newDatabase(server)
    const client = await open(source)
    await client.query(`
      REVOKE CONNECT ON DATABASE ${source.database} FROM PUBLIC; CREATE ROLE app; CREATE SCHEMA AUTHORIZATION app; GRANT ALL ON SCHEMA public TO app; SET ROLE app;
      CREATE TABLE app.owner (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);
      CREATE TABLE t (id int PRIMARY KEY, text text, owner int REFERENCES app.owner); CREATE TABLE bare (n int);
      CREATE MATERIALIZED VIEW m AS SELECT count(*) FROM t; INSERT INTO app.owner (name) VALUES ('one');
      CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
      CREATE TRIGGER noted AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION note(); RESET ROLE`)
    await grow(client, 100)
    await client.query(roleSql(source.database))
    const project = backupProject({ ...source, user: 'emr_backup', password: 'role-secret' })
    const denied = await project.run('full', '--json')
    expect(JSON.parse(denied.stdout).error).toMatchObject({ code: 'REPLICA_IDENTITY_MISSING', exitCode: 4 })
    await client.query('ALTER TABLE bare REPLICA IDENTITY FULL')
    const guard = await project.run('full', '--json')
    expect(JSON.parse(guard.stdout).error).toMatchObject({ code: 'GUARD_DENIED', exitCode: 4 })
    expect(await ownSlots(client)).toEqual([])
    await backupProject(source).json('full')

    await project.json('full')
    await grow(client, 50)
    await client.query(
      `UPDATE app.owner SET name = 'two'; UPDATE t SET owner = 1; INSERT INTO bare VALUES (1)`,
    )
    expect(await project.json('incremental')).toMatchObject({ kind: 'incremental' })
    await project.json('restore', '--target', 'by_the_role', '--no-owner')
    expect(await contentOf({ ...source, database: 'by_the_role' })).toEqual(await contentOf(source))
    await grow(client, 5)
    expect(await project.json('drill', '--no-owner')).toMatchObject({ ok: true, rows: 157 })
    // Owners are an administrator's to give.
    const owners = await project.run('restore', '--target', 'with_owners')
    expect(owners.stderr).toContain('must be member of role "app"')
    expect(owners.exitCode).toBe(5)
    await project.json('status')

    const writer = await open(source)
    await writer.query('BEGIN; INSERT INTO bare VALUES (2)')
    const { rows } = await writer.query('SELECT pg_backend_pid() AS pid')
    const blocked = await project.run('full', '--lock-timeout', '1s')
    expect(blocked.stderr).toMatch(
      new RegExp(`process ${rows[0].pid}, user emr, emr db-backup, idle in transaction, open for \\d+ s`),
    )
    expect(blocked.exitCode).toBe(4)
    await writer.query('ROLLBACK')
  })
})
