import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { DatabaseConnection } from '../../../src/lib/adapters/postgres/connection.ts'
import { makeDatabase } from '../../../src/lib/adapters/postgres/create-database.ts'
import { advanceSlot, slotStates } from '../../../src/lib/adapters/postgres/slots.ts'
import { PostgresSource } from '../../../src/lib/adapters/postgres/source.ts'
import type { BackupManifest } from '../../../src/lib/domain/backup/manifest.ts'
import { ProcessRunner } from '../../../src/lib/process/runner.ts'
import { hasPostgres, type PostgresServer, startPostgres } from '../../support/postgres.ts'
import { startProgram } from './program.ts'
import { type BackupProject, backupProject, contentOf, newDatabase, open } from './project.ts'

let restores = 0

/** The end of the newest chain, restored, is what the source holds now. */
async function expectRestorable(project: BackupProject, source: DatabaseConnection): Promise<void> {
  await project.json('verify', '--decode')
  restores += 1
  const database = `restored_${process.pid}_${restores}`
  await project.json('restore', '--target', database)
  expect(await contentOf({ ...source, database })).toEqual(await contentOf(source))
}

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

async function ownSlots(client: Client): Promise<string[]> {
  const { rows } = await client.query(
    `SELECT slot_name FROM pg_replication_slots WHERE database = current_database() AND NOT temporary ORDER BY 1`,
  )
  return rows.map(({ slot_name }) => slot_name)
}

describe.skipIf(!hasPostgres)('faults of a backup', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres({ wal_sender_timeout: '5s' })
  })
  afterAll(() => server?.stop())

  /** A database with a table of this many rows that do not compress. */
  async function prepare(rows = 1000) {
    const source = await newDatabase(server)
    const client = await open(source)
    await client.query('CREATE TABLE t (id int PRIMARY KEY, text text)')
    await grow(client, rows)
    return { source, client, project: backupProject(source) }
  }
  const grow = (client: Client, rows: number) =>
    client.query(
      `INSERT INTO t SELECT coalesce(max, 0) + n, (SELECT string_agg(md5(random()::text || n || k), '') FROM generate_series(1, 8) k)
       FROM generate_series(1, ${rows}) n, (SELECT max(id) FROM t) m`,
    )
  const argv = (project: BackupProject, verb: string, ...more: string[]) => [
    'db-backup',
    verb,
    'local',
    '--config',
    project.config,
    ...more,
  ]

  describe('killed with SIGKILL', () => {
    test.each([
      ['full', 'Set up the publication'],
      ['full', 'Wait for a consistent'],
      ['full', 'Dump the schema'],
      ['full', 'Write the manifest'],
      ['incremental', 'Find the chain'],
      ['incremental', 'Read the changes'],
      ['incremental', 'Write the manifest'],
    ])('%s at: %s', async (verb, stage) => {
      const { source, client, project } = await prepare()
      const before = await project.json<BackupManifest>('full')
      await grow(client, 500)
      const program = startProgram(
        argv(project, verb, ...(stage === 'Dump the schema' ? ['--max-rate', '20kB'] : [])),
      )
      await program.says(stage)
      program.kill()
      expect((await program.ended).exitCode).toBe(null)
      await client.query(`UPDATE t SET text = 'after the kill' WHERE id % 100 = 0`)
      // The advisory lock goes when the server sees that its client is gone.
      await vi.waitFor(async () => expect((await project.run('incremental')).exitCode).toBe(0), {
        timeout: 20_000,
        interval: 200,
      })
      await expectRestorable(project, source)
      expect(await ownSlots(client)).toHaveLength(1)
      const list = await project.json<{ chains: { id: string }[]; damaged: unknown[]; orphans: unknown[] }>(
        'list',
      )
      expect(list).toMatchObject({ damaged: [], orphans: [] })
      expect(list.chains[0]?.id).toBe(before.id)
    })
    test('a restore in its replay goes on where it was', async () => {
      const { source, client, project } = await prepare()
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
  })

  test('a restore that is killed while it makes foreign keys goes on, and others keep out of it', async () => {
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

  test('a second run at the same time is refused and names the first', async () => {
    const { source, project } = await prepare()
    const first = await PostgresSource.open(source, new ProcessRunner())
    const { exitCode, stdout } = await project.run('full', '--json')
    await first.close()
    expect(exitCode).toBe(8)
    expect(JSON.parse(stdout).error).toMatchObject({ code: 'BACKUP_LOCKED' })
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
      const { source, client, project } = await prepare()
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
      const { source, client, project } = await prepare()
      await client.query('CREATE MATERIALIZED VIEW m AS SELECT count(*) FROM t')
      await project.json('full')
      await client.query('CREATE TEMP TABLE x (a int); DROP TABLE x; REFRESH MATERIALIZED VIEW m')
      await grow(client, 10)
      expect(await project.json('incremental')).toMatchObject({ kind: 'incremental', transactions: 1 })
      await expectRestorable(project, source)
    })
  })

  test('an open write transaction blocks a full backup, which names it and gives up', async () => {
    const { source, client, project } = await prepare()
    await project.json('full')
    const writer = await open(source)
    await writer.query(`BEGIN; INSERT INTO t VALUES (-1, 'secret text')`)
    const { rows } = await writer.query('SELECT pg_backend_pid() AS pid')
    const { exitCode, stderr } = await project.run('full', '--lock-timeout', '1s')
    expect(exitCode).toBe(4)
    expect(stderr).toContain(`process ${rows[0].pid}, user emr`)
    expect(stderr).not.toContain('secret text')
    await writer.query('COMMIT')
    await project.json('full')
    await expectRestorable(project, source)
    expect(await ownSlots(client)).toHaveLength(1)
  })

  test('a terminated walsender is an error, and the next run reads the same changes', async () => {
    const { source, client, project } = await prepare()
    await project.json('full')
    await grow(client, 20_000)
    const run = project.run('incremental', '--max-rate', '200kB')
    await vi.waitFor(
      async () => {
        const { rows } = await client.query(
          `SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active AND database = current_database()`,
        )
        expect(rows).toHaveLength(1)
      },
      { timeout: 20_000, interval: 20 },
    )
    const { exitCode, stderr } = await run
    expect(exitCode).toBe(5)
    expect(stderr).toContain('The connection that reads the changes was lost')
    expect(await project.json('incremental')).toMatchObject({ kind: 'incremental', changes: 20_000 })
    await expectRestorable(project, source)
  })

  test('a slot that somebody reads from while it should advance', async () => {
    const { source, client, project } = await prepare(10)
    const { slot, end } = await project.json<BackupManifest>('full')
    await grow(client, 10)
    const { rows } = await client.query('SELECT pg_current_wal_flush_lsn()::text AS lsn')
    const reader = await PostgresSource.open(source, new ProcessRunner())
    onTestFinished(() => reader.close())
    const stop = new AbortController()
    const changes = reader.changes({ slot, from: end.lsn, marker: 'test' }, stop.signal)
    await changes.next()
    await expect(advanceSlot(client, slot, rows[0].lsn, 200)).rejects.toMatchObject({
      code: 'SLOT_IN_USE',
      exitCode: 5,
    })
    await changes.return(undefined as never)
    await advanceSlot(client, slot, rows[0].lsn)
    const [state] = await slotStates(client, slot)
    expect(state?.confirmedFlushLsn).toBe(rows[0].lsn)
  })

  test('a full disk of the target server: the restore fails, says why, and another one restores', async () => {
    const { source, project } = await prepare(70_000)
    await project.json('full')
    // More than a segment of the log, less than the table.
    server.limitFiles(17_000_000)
    const failed = await project.run('restore', '--target', 'no_room')
    server.limitFiles('unlimited')
    expect(failed.stderr).toContain('could not extend file')
    expect(failed.exitCode).toBe(5)
    await expectRestorable(project, source)
  })

  test('a full store: nothing counts, nothing is left', async () => {
    const { client, project } = await prepare(20_000)
    const limited = ['bash', '-c', 'ulimit -f 500; exec "$@"', 'bash']
    const { exitCode, stderr } = await startProgram(argv(project, 'full'), limited).ended
    expect(stderr).toContain('is full')
    expect(exitCode).toBe(5)
    expect(await project.json('list')).toMatchObject({ chains: [], unfinished: [], lastGood: null })
    expect(await ownSlots(client)).toEqual([])
    expect(existsSync(project.store)).toBe(false)
  })

  test('a store that is no directory', async () => {
    const { project } = await prepare()
    writeFileSync(join(project.folder, 'backups'), '')
    const { exitCode, stderr } = await project.run('full')
    expect(exitCode).toBe(4)
    expect(stderr).toContain('The backup store cannot be used')
  })

  test('a damaged manifest is no backup, and an alarm', async () => {
    const { project } = await prepare()
    const { id } = await project.json<BackupManifest>('full')
    const file = join(project.store, id, 'manifest.json')
    writeFileSync(file, readFileSync(file, 'utf8').replace('"serverMajor": 15', '"serverMajor": 14'))
    expect(await project.json('list')).toMatchObject({ chains: [], damaged: [{ id }] })
    expect((await project.run('verify')).exitCode).toBe(1)
    expect((await project.run('restore', '--target', 'never_made')).exitCode).toBe(1)
    expect((await project.run('status')).stdout).toContain(`the manifest of ${id} is damaged`)
  })

  test('tables without a key: refused by name, mended on request, new ones by themselves', async () => {
    const { source, client, project } = await prepare()
    await client.query('CREATE TABLE bare (a json); INSERT INTO bare VALUES (NULL)')
    const refused = await project.run('full')
    expect(refused.exitCode).toBe(4)
    expect(refused.stderr).toContain('"public"."bare"')
    await client.query(`UPDATE bare SET a = '1'`)
    await project.json('full', '--fix-identity')
    await client.query('CREATE TABLE bare_too (a json); INSERT INTO bare_too VALUES (NULL)')
    await client.query(`UPDATE bare_too SET a = '2'; UPDATE bare SET a = '3'`)
    await project.json('incremental')
    await client.query(`UPDATE bare_too SET a = '4'; DELETE FROM bare`)
    expect(await project.json('incremental')).toMatchObject({ kind: 'incremental', changes: 2 })
    await expectRestorable(project, source)
  })

  test('a drill proves the backups and leaves nothing behind; a broken backup fails it', async () => {
    const { source, client, project } = await prepare()
    expect(await project.json('drill')).toMatchObject({
      ok: true,
      rpoMs: null,
      tables: 1,
      rows: 1000,
      differences: [],
    })
    await grow(client, 100)
    expect(await project.json('drill')).toMatchObject({ ok: true, rpoMs: expect.any(Number), rows: 1100 })
    expect(readdirSync(join(project.store, '_drills'))).toHaveLength(2)
    expect(await project.json('verify', '--restore')).toMatchObject({ ok: true })
    // Of a drill that was killed, and of one that somebody looks into.
    const [left, used] = ['emr_drill_20200101t000000z_00aa', 'emr_drill_20200101t000000z_00bb']
    for (const name of [left, used]) await client.query(`CREATE DATABASE ${name}`)
    const other = await open({ ...source, database: used })
    const status = await project.run('status')
    expect(status.exitCode).toBe(1)
    expect(status.stdout).toContain(left)
    expect(await project.json('drill')).toMatchObject({ ok: true })
    const { rows } = await client.query(`SELECT datname FROM pg_database WHERE datname LIKE 'emr_drill%'`)
    expect(rows).toEqual([{ datname: used }])
    await other.end()
    await client.query(`DROP DATABASE ${used}`)
    // A change that the chain has never seen, as if the log had lost it.
    const [slot] = await ownSlots(client)
    await client.query(`ALTER PUBLICATION emr_backup SET (publish = 'insert')`)
    await client.query(`UPDATE t SET text = 'unseen' WHERE id = 1`)
    await client.query(`ALTER PUBLICATION emr_backup SET (publish = 'insert, update, delete, truncate')`)
    expect(slot).toBeDefined()
    expect((await project.json('incremental')) as unknown).toMatchObject({ kind: 'full' })
    await expectRestorable(project, source)
    // What no log tells makes each run a full one, and that is what is proved then.
    await client.query(`CREATE UNLOGGED TABLE unlogged AS SELECT 1 AS id`)
    await client.query(`SELECT lo_from_bytea(0, 'large')`)
    expect(await project.json('drill')).toMatchObject({ ok: true, tables: 2, rows: 1101 })
    const { chains } = await project.json<{ chains: unknown[] }>('list')
    expect(chains).toHaveLength(3)
  })
})

describe.skipIf(!hasPostgres)('bad input', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server?.stop())

  test('a wrong password, a wrong database, no server, no TLS: exit 4, never with the password', async () => {
    const good = server.connection
    const cases: [Partial<DatabaseConnection>, string][] = [
      [{ password: 'wrong-password' }, 'password authentication failed'],
      [{ database: 'nope' }, 'does not exist'],
      [{ port: 1 }, 'ECONNREFUSED'],
    ]
    for (const [change, words] of cases) {
      const { exitCode, stderr, stdout } = await backupProject({ ...good, ...change }).run('full', '--json')
      expect(exitCode).toBe(4)
      expect(stderr).toContain(words)
      expect(JSON.parse(stdout).error.exitCode).toBe(4)
      expect(stderr + stdout).not.toMatch(/sikrit|wrong-password/)
    }
    const { host, port, user } = good
    const database = `{host: ${host}, port: ${port}, name: postgres, user: ${user}, password: {file: password}}`
    const plain = await backupProject(good, { database }).run('full')
    expect(plain.exitCode).toBe(4)
    expect(plain.stderr).toContain('does not support SSL')
  })
  test('wrong words exit 2', async () => {
    const project = backupProject(await newDatabase(server))
    for (const [verb, ...argv] of [
      ['verify', '--backup', 'nope'],
      ['full', '--max-rate', 'fast'],
      ['full', '--annotate', 'no-value'],
    ] as const) {
      expect({ verb, argv, ...(await project.run(verb, ...argv)) }).toMatchObject({ exitCode: 2, stdout: '' })
    }
    expect((await project.run('restore', '--target', 'x')).exitCode).toBe(1)
    await project.json('full', '--annotate', 'ticket=OPS-1')
    for (const to of ['yesterday', '2020-01-01T00:00:00Z', '2026-01-01T00:00:00'])
      expect((await project.run('restore', '--target', 'x', '--to', to)).exitCode).toBe(2)
  })
  test('a target that is not empty and a missing program', async () => {
    const source = await newDatabase(server)
    const client = await open(source)
    await client.query('CREATE TABLE t (id int PRIMARY KEY)')
    const project = backupProject(source)
    await project.json('full')
    const { exitCode, stderr } = await project.run('restore', '--target', source.database)
    expect(exitCode).toBe(4)
    expect(stderr).toContain('is not empty: it has')
    // Two restores that make their target at once: the lock decides between them.
    const made = `made_${process.pid}`
    const making = Array.from({ length: 6 }, () => makeDatabase(source, made, undefined))
    expect(new Set(await Promise.all(making)).size).toBe(1)
    const locale = {
      encoding: 'UTF8',
      collate: 'xx_XX',
      ctype: 'C',
      provider: 'libc',
      locale: null,
      rules: null,
    } as const
    await expect(makeDatabase(source, `${made}_not`, locale)).rejects.toMatchObject({
      code: 'TARGET_NOT_MADE',
      exitCode: 4,
    })
    vi.stubEnv('PATH', '/nonexistent')
    const missing = await project.run('full')
    vi.unstubAllEnvs()
    expect(missing.exitCode).toBe(4)
    expect(missing.stderr).toContain('zstd, and none was found')
  })
  test('roles that the target has not are named', async () => {
    const source = await newDatabase(server)
    const client = await open(source)
    await client.query(
      'CREATE ROLE some_reader; CREATE TABLE t (id int PRIMARY KEY); GRANT SELECT ON t TO some_reader',
    )
    const project = backupProject(source)
    const full = await project.json<BackupManifest>('full')
    expect(full).toMatchObject({ roles: ['some_reader'] })
    await client.query('DROP OWNED BY some_reader; DROP ROLE some_reader')
    const { exitCode, stderr } = await project.run('restore', '--target', 'roleless', '--to', full.id)
    expect(exitCode).toBe(4)
    expect(stderr).toContain('some_reader')
    await project.json('restore', '--target', 'roleless', '--no-owner', '--to', full.id)
  })
  test('the password is in no argument of any process', async () => {
    const source = await newDatabase(server)
    const client = await open(source)
    await client.query(
      `CREATE TABLE t AS SELECT md5(random()::text) FROM generate_series(1, 3000); ALTER TABLE t REPLICA IDENTITY FULL`,
    )
    const project = backupProject(source)
    const program = startProgram([
      'db-backup',
      'full',
      'local',
      '--config',
      project.config,
      '--max-rate',
      '40kB',
    ])
    await program.says('Dump the schema')
    const seen = await vi.waitFor(() => {
      const lines = readdirSync('/proc').flatMap((name) => {
        if (!/^\d+$/.test(name)) return []
        try {
          return [readFileSync(`/proc/${name}/cmdline`, 'utf8')]
        } catch {
          return []
        }
      })
      expect(lines.some((line) => line.includes('pg_dump'))).toBe(true)
      return lines
    })
    expect(seen.filter((line) => line.includes('sikrit-42'))).toEqual([])
    const { exitCode, stdout, stderr } = await program.ended
    expect(exitCode).toBe(0)
    expect(stdout + stderr).not.toContain('sikrit-42')
  })
})
