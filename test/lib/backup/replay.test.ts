import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasPostgres, type PostgresServer, startPostgres } from '../../support/postgres.ts'
import { prepare } from './fixture.ts'
import { contentOf, open } from './project.ts'

describe.skipIf(!hasPostgres)('a replay', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server?.stop())

  test('that misses a row fails each time, and keeps nothing of that transaction', async () => {
    const { source, client, project } = await prepare(server, 100)
    // The refresh in the target fails, so the restore of the full one stops when all of its rows are there.
    await client.query(
      'CREATE MATERIALIZED VIEW m AS SELECT 1 / (count(*) - 90) FROM t; DELETE FROM t WHERE id > 90',
    )
    const { id } = await project.json<{ id: string }>('full')
    await client.query(`INSERT INTO t VALUES (91, 'new'); UPDATE t SET text = 'changed' WHERE id = 50`)
    await client.query(`UPDATE t SET text = 'later' WHERE id = 51`)
    await project.json('incremental')
    const database = `missing_row_${process.pid}`
    const stopped = await project.run('restore', '--target', database, '--to', id)
    expect(stopped.stderr).toContain('division by zero')
    const target = await open({ ...source, database })
    await target.query('CREATE TABLE kept AS TABLE t; DELETE FROM t WHERE id = 50')
    for (const _ of ['the first time', 'the second time']) {
      const { exitCode, stderr } = await project.run('restore', '--target', database)
      expect(stderr).toContain('UPDATE ONLY "public"."t" hit 0 rows instead of 1')
      expect(exitCode).toBe(1)
      const { rows } = await target.query(`SELECT count(*)::int FROM t WHERE text IN ('new', 'later')`)
      expect(rows).toEqual([{ count: 0 }])
    }
    // What was lost is put back, and nothing of the failed runs stands in the way.
    await target.query('INSERT INTO t SELECT * FROM kept WHERE id = 50; DROP TABLE kept')
    expect(await project.json('restore', '--target', database)).toMatchObject({
      resumed: true,
      transactions: 2,
    })
    expect(await contentOf({ ...source, database })).toEqual(await contentOf(source))
  })
})
