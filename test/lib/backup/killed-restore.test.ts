import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { BackupManifest } from '../../../src/lib/domain/backup/manifest.ts'
import { hasPostgres, type PostgresServer, startPostgres } from '../../support/postgres.ts'
import { startDatabaseProxy } from './database-proxy.ts'
import { argv, grow, prepare } from './fixture.ts'
import { startProgram } from './program.ts'
import { backupProject, contentOf, newDatabase, open } from './project.ts'

/** What a restore makes last. */
async function lateObjects(client: Client): Promise<unknown> {
  const { rows } = await client.query(`
    SELECT 'constraint' AS kind, conname AS name, pg_get_constraintdef(oid) AS text FROM pg_constraint WHERE conrelid <> 0
    UNION ALL SELECT 'trigger', tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT 'rule', rulename, definition FROM pg_rules WHERE schemaname = 'public'
    UNION ALL SELECT 'policy', policyname, qual FROM pg_policies
    UNION ALL SELECT 'security', relname, relrowsecurity::text FROM pg_class WHERE relname IN ('a', 'b')
    UNION ALL SELECT 'statistics', stxname, pg_get_statisticsobjdef(oid) FROM pg_statistic_ext
    UNION ALL SELECT 'publication', pubname, '' FROM pg_publication WHERE pubname <> 'emr_backup'
    UNION ALL SELECT 'encoding', '', current_setting('server_encoding') ORDER BY 1, 2`)
  return rows
}

describe.skipIf(!hasPostgres)('a restore that is killed with SIGKILL', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server?.stop())

  test('before its keys are there says so and another target works; later it goes on', async () => {
    const { source, client } = await prepare(server, 100)
    await client.query(
      'CREATE TABLE s (id serial PRIMARY KEY); CREATE MATERIALIZED VIEW m AS SELECT count(*) FROM t',
    )
    const proxy = await startDatabaseProxy(source)
    const project = backupProject(proxy.connection)
    await project.json('full')
    await client.query('INSERT INTO s DEFAULT VALUES; REFRESH MATERIALIZED VIEW m')
    await project.json('incremental')
    const expected = await contentOf(source)
    for (const [step, statement, stopped] of [
      ['Restore the tables', 'CREATE TABLE public.t', 'stopped while its data was loaded'],
      ['Load the data', 'COPY public.t', 'stopped while its data was loaded'],
      ['Build keys and indexes', 'ADD CONSTRAINT t_pkey', 'stopped while its keys and indexes were built'],
      ['Set the sequences', 'SELECT setval(', undefined],
      ['Refresh the materialised views', 'REFRESH MATERIALIZED VIEW', undefined],
    ] as const) {
      const database = `Killed at: ${step}`
      const held = proxy.hold(statement)
      const program = startProgram(argv(project, 'restore', '--target', database))
      await program.says(step)
      await held.seen
      program.kill()
      await program.ended
      held.drop()
      // The lock goes when the server sees that its client is gone.
      const again = await vi.waitFor(
        async () => {
          const run = await project.run('restore', '--target', database)
          expect(run.exitCode).not.toBe(8)
          return run
        },
        { timeout: 20_000, interval: 200 },
      )
      if (stopped) {
        expect(again.stderr).toContain(stopped)
        expect(again.exitCode).toBe(4)
      } else expect({ step, ...again }).toMatchObject({ step, exitCode: 0 })
      const good = stopped ? `Another for: ${step}` : database
      if (stopped) await project.json('restore', '--target', good)
      expect(await contentOf({ ...source, database: good })).toEqual(expected)
      const restored = await open({ ...source, database: good })
      expect((await restored.query('SELECT count FROM m')).rows).toEqual([{ count: '100' }])
      await restored.query('INSERT INTO s DEFAULT VALUES')
    }
  })

  test('in its replay goes on where it was', async () => {
    const { source, client, project } = await prepare(server)
    const first = await project.json<BackupManifest>('full')
    for (let n = 0; n < 3; n += 1) {
      await grow(client, 300)
      await project.json('incremental')
    }
    const database = `resumed_${process.pid}`
    const last = (await project.json<{ lastGood: { id: string } }>('list')).lastGood.id
    const program = startProgram(argv(project, 'restore', '--target', database, '--max-rate', '90kB'))
    await program.says(`Replay ${last}`)
    program.kill()
    await program.ended
    await vi.waitFor(
      async () => {
        const past = await project.run('restore', '--target', database, '--to', first.id)
        expect(past.stderr).toContain('already past the end that is wanted now')
        expect(past.exitCode).toBe(4)
      },
      { timeout: 20_000 },
    )
    const again = await project.json('restore', '--target', database)
    expect(again).toMatchObject({ resumed: true })
    expect(await contentOf({ ...source, database })).toEqual(await contentOf(source))
  })

  test('while it makes foreign keys goes on, and others keep out of it', async () => {
    const source = await newDatabase(
      server,
      `TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'`,
    )
    const client = await open(source)
    await client.query(`
      CREATE TABLE a (id int PRIMARY KEY, text text); CREATE TABLE b (id int PRIMARY KEY REFERENCES a, text text);
      CREATE TABLE c (id int PRIMARY KEY REFERENCES a); CREATE TABLE log (id serial PRIMARY KEY);
      ALTER TABLE a ADD CONSTRAINT later CHECK (id < 9) NOT VALID; CREATE STATISTICS s ON id, text FROM a;
      ALTER TABLE a ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON a USING (id > 0); CREATE PUBLICATION own FOR TABLE a;
      CREATE RULE r AS ON UPDATE TO a DO ALSO INSERT INTO log DEFAULT VALUES;
      CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.log DEFAULT VALUES; RETURN NULL; END';
      CREATE VIEW v AS SELECT 1 AS one;
      CREATE TRIGGER waits INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION note();
      CREATE TRIGGER t AFTER INSERT ON b FOR EACH ROW EXECUTE FUNCTION note(); INSERT INTO a VALUES (1, 'ä')`)
    const project = backupProject(source)
    const { id } = await project.json<BackupManifest>('full')
    await client.query(`UPDATE a SET text = 'é'; INSERT INTO b VALUES (1); INSERT INTO c VALUES (1)`)
    await project.json('incremental')
    const database = `It's a "name"=x ${process.pid}`
    const program = startProgram(
      argv(project, 'restore', '--target', database, '--to', id, '--jobs', '2', '--max-rate', '2kB'),
    )
    await program.says('Load the data')
    const target = await open({ ...source, database })
    await target.query('BEGIN; LOCK TABLE v IN SHARE MODE')
    const waiting = () =>
      client.query<{ pid: number }>(
        `SELECT pid FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock'`,
        [database],
      )
    await vi.waitFor(
      async () => {
        expect((await waiting()).rows).toHaveLength(1)
        const { rows } = await target.query(`SELECT FROM pg_constraint WHERE contype = 'f'`)
        expect(rows).toHaveLength(2)
      },
      { timeout: 20_000 },
    )
    const other = await project.run('restore', '--target', database)
    expect(other.stderr).toContain('Another restore into database')
    expect(other.exitCode).toBe(8)
    program.kill()
    await program.ended
    // The orphan still waits; nobody has let it go on.
    expect((await waiting()).rows).toHaveLength(1)
    await target.query('ROLLBACK')
    // Further than at first: what was made of triggers must not act on the rows.
    const again = await vi.waitFor(() => project.json('restore', '--target', database), { timeout: 20_000 })
    expect(again).toMatchObject({ resumed: true, transactions: 1 })
    expect(await contentOf({ ...source, database })).toEqual(await contentOf(source))
    expect(await lateObjects(target)).toEqual(await lateObjects(client))
  })
})
