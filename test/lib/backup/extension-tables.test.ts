import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasPostgres, type PostgresServer, startPostgres } from '../../support/postgres.ts'
import { expectSame } from './judge.ts'
import { backupProject, newDatabase, open } from './project.ts'

/** Tables of the extension hstore, as if its script had made them: one whose rows are the user's in part, two that are none. */
const MEMBERS = `CREATE EXTENSION hstore; CREATE TABLE keyed (id int PRIMARY KEY, v text); CREATE TABLE bare (v text);
ALTER EXTENSION hstore ADD TABLE keyed; ALTER EXTENSION hstore ADD TABLE bare;
INSERT INTO keyed VALUES (1, 'a'), (2, 'b')`

describe.skipIf(!hasPostgres)('tables of extensions', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server?.stop())

  test('that no dump holds are named by the full backup, and their changes stop no restore', async () => {
    const source = await newDatabase(server)
    const client = await open(source)
    await client.query(`${MEMBERS}; CREATE TABLE own (id int PRIMARY KEY, v text)`)
    const project = backupProject(source)
    const { stdout, exitCode } = await project.run('full', '--fix-identity')
    expect(exitCode).toBe(0)
    expect(stdout).toContain(
      'Not in the backup: the rows of "public"."keyed", a table of the extension hstore',
    )
    expect(stdout).not.toContain('"public"."bare"')
    await client.query(`UPDATE keyed SET v = 'c' WHERE id = 1; DELETE FROM keyed WHERE id = 2; INSERT INTO keyed VALUES (9);
      INSERT INTO bare VALUES ('x'); UPDATE bare SET v = 'y'; INSERT INTO own VALUES (1, 'mine')`)
    await client.query('TRUNCATE keyed, own; INSERT INTO own VALUES (2)')
    expect(await project.json('incremental')).toMatchObject({ kind: 'incremental' })
    await expectSame(project, source)
    expect(await project.json('drill')).toMatchObject({ ok: true, tables: 1 })
  })

  test('rows of a foreign table are named too', async () => {
    const source = await newDatabase(server)
    const client = await open(source)
    await client.query(`CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
      CREATE FOREIGN TABLE hosts (line text) SERVER files OPTIONS (filename '/etc/hosts')`)
    const project = backupProject(source)
    expect(await project.json('full')).toMatchObject({
      omitted: ['the rows of the foreign table public.hosts, which are on the server files'],
    })
    expect(await project.json('drill')).toMatchObject({ ok: true })
  })
})
