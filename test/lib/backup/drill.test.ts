import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasPostgres, type PostgresServer, startPostgres } from '../../support/postgres.ts'
import { expectRestorable, grow, ownSlots, prepare } from './fixture.ts'
import { open } from './project.ts'

describe.skipIf(!hasPostgres)('a restore drill', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server?.stop())

  test('a drill proves the backups and leaves nothing behind; a broken backup fails it', async () => {
    const { source, client, project } = await prepare(server)
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
