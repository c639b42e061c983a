import { execFileSync } from 'node:child_process'
import { renameSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { PostgresSource } from '../../../src/lib/adapters/postgres/source.ts'
import type { BackupManifest } from '../../../src/lib/domain/backup/manifest.ts'
import { ProcessRunner } from '../../../src/lib/process/runner.ts'
import { freePort } from '../../support/ports.ts'
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

  test('of another RDS instance is not gone on from; where RDS may not be asked, it stays known', async () => {
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, 'testing')
    onTestFinished(() => void vi.unstubAllEnvs())
    let resourceId: string | undefined = 'db-ONE'
    const rds = createServer((_, response) => {
      const instance = `<DBInstance><DbiResourceId>${resourceId}</DbiResourceId></DBInstance>`
      const list = `<DBInstances>${instance}</DBInstances>`
      response.writeHead(resourceId === undefined ? 403 : 200, { 'content-type': 'text/xml' })
      response.end(
        resourceId === undefined
          ? '<ErrorResponse><Error><Code>AccessDenied</Code><Message>not allowed</Message></Error></ErrorResponse>'
          : `<DescribeDBInstancesResponse><DescribeDBInstancesResult>${list}</DescribeDBInstancesResult></DescribeDBInstancesResponse>`,
      )
    })
    const port = await freePort()
    await new Promise<void>((resolve) => rds.listen(port, '127.0.0.1', resolve))
    onTestFinished(() => void rds.close())
    const { host, port: own, user } = server.connection
    const project = backupProject(server.connection, {
      database: `{instance: emr-db, host: ${host}, port: ${own}, name: postgres, user: ${user}, password: {file: password}, tls: {mode: disable}}`,
      more: [`aws: {accountId: "123456789012", region: us-east-1, endpoint: "http://127.0.0.1:${port}"}`],
    })
    const client = await open(server.connection)
    await client.query('CREATE TABLE t (id int PRIMARY KEY)')
    expect(await project.json('full')).toMatchObject({ database: { resourceId: 'db-ONE' } })
    resourceId = undefined
    expect(await project.json('incremental')).toMatchObject({
      kind: 'incremental',
      database: { resourceId: 'db-ONE' },
    })
    resourceId = 'db-TWO'
    expect(await project.json('incremental')).toMatchObject({
      kind: 'full',
      reason: 'the RDS instance is another one',
      database: { resourceId },
    })
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
