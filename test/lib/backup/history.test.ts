import { execFileSync } from 'node:child_process'
import { renameSync, rmSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { PostgresSource } from '../../../src/lib/adapters/postgres/source.ts'
import type { BackupManifest } from '../../../src/lib/domain/backup/manifest.ts'
import { ProcessRunner } from '../../../src/lib/process/runner.ts'
import { hasPostgres, type PostgresServer, startPostgres } from '../../support/postgres.ts'
import { expectRestorable } from './fixture.ts'
import { backupProject, open } from './project.ts'

describe.skipIf(!hasPostgres)('the history of a server', () => {
  let server: PostgresServer
  beforeEach(async () => {
    server = await startPostgres()
  })
  afterEach(() => server?.stop())

  /** As a snapshot of the storage does: same cluster, same timeline, and the slot is there. */
  async function chainThenSetBack() {
    const project = backupProject(server.connection)
    const client = await open(server.connection)
    await client.query('CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)')
    await project.json('full')
    await client.query('INSERT INTO t VALUES (2)')
    await server.crash()
    const copy = `${server.folder}.copy`
    execFileSync('cp', ['--archive', server.folder, copy])
    await server.start()
    const forgotten = await open(server.connection)
    await forgotten.query('INSERT INTO t SELECT generate_series(3, 500)')
    const tip = await project.json<BackupManifest>('incremental')
    expect(tip.kind).toBe('incremental')
    await server.crash()
    rmSync(server.folder, { recursive: true })
    renameSync(copy, server.folder)
    await server.start()
    return { project, tip, client: await open(server.connection) }
  }

  test('that was set back is not gone on from', async () => {
    const { project } = await chainThenSetBack()
    expect(await project.json('incremental')).toMatchObject({
      kind: 'full',
      reason: expect.stringContaining('its log ends before the last backup'),
    })
    await expectRestorable(project, server.connection)
  })

  test('that was set back and is past the last backup again is not gone on from either', async () => {
    const { project, tip, client } = await chainThenSetBack()
    await client.query('INSERT INTO t SELECT generate_series(1000, 9000)')
    const { rows } = await client.query('SELECT pg_current_wal_flush_lsn() > $1::pg_lsn AS past', [
      tip.end.lsn,
    ])
    expect(rows).toEqual([{ past: true }])
    expect(await project.json('incremental')).toMatchObject({
      kind: 'full',
      reason: `the server was set back to before ${tip.id} ended`,
    })
    await expectRestorable(project, server.connection)
    await client.query('INSERT INTO t VALUES (-1)')
    expect(await project.json('incremental')).toMatchObject({ kind: 'incremental', changes: 1 })
  })

  test('a mark that is not in the log is an error, and nothing to wait for', async () => {
    const project = backupProject(server.connection)
    const client = await open(server.connection)
    await client.query('CREATE TABLE t (id int PRIMARY KEY)')
    const tip = await project.json<BackupManifest>('full')
    const source = await PostgresSource.open(server.connection, new ProcessRunner())
    try {
      const { passed } = await source.mark('this')
      const changes = source.changes(
        { slot: tip.slot, tip, mark: { marker: 'another', passed } },
        new AbortController().signal,
      )
      await expect(changes.next()).rejects.toThrow('the mark of this run is not in the log')
    } finally {
      await source.close()
    }
  })
})
