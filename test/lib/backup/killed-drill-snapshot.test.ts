import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { CreateDBInstanceCommand, DescribeDBSnapshotsCommand, RDSClient } from '@aws-sdk/client-rds'
import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import DbBackupSnapshot from '../../../src/commands/db-backup/snapshot.ts'
import type { DatabaseConnection } from '../../../src/lib/adapters/postgres/connection.ts'
import { hasPostgres, type PostgresServer, startPostgres } from '../../support/postgres.ts'
import { temporaryFolder } from '../../support/project.ts'
import { runCommand } from '../../support/run-command.ts'
import { hasMoto, startMoto } from './moto.ts'
import { startProgram } from './program.ts'
import { backupProject, newDatabase, open } from './project.ts'

describe.skipIf(!hasPostgres)('a drill that is killed', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server?.stop())

  const scratchOf = async (sql: Client) => {
    const { rows } = await sql.query(
      `SELECT datname AS name FROM pg_database WHERE datname LIKE 'emr\\_drill\\_%' ORDER BY 1`,
    )
    return rows.map(({ name }) => name as string)
  }
  /** As if it had been killed long ago: its name tells when it was made. */
  async function age(sql: Client, name: string): Promise<string> {
    const old = name.replace(/\d{8}t\d{6}z/, '20200101t000000z')
    await vi.waitFor(() => sql.query(`ALTER DATABASE ${name} RENAME TO ${old}`), { timeout: 20_000 })
    return old
  }
  const argv = (config: string) => ['db-backup', 'drill', 'local', '--config', config, '--max-rate', '60kB']
  async function prepare() {
    const source: DatabaseConnection = await newDatabase(server)
    const sql = await open(source)
    await sql.query(
      `CREATE TABLE t (id int PRIMARY KEY, text text);
       INSERT INTO t SELECT n, md5(random()::text || n) FROM generate_series(1, 4000) n`,
    )
    const project = backupProject(source)
    await project.json('full')
    return { sql, project }
  }

  test.each(['Hold a moment', 'Load the data'])(
    'at: %s: status tells what is left, and the next one drops it',
    async (stage) => {
      const { sql, project } = await prepare()
      const program = startProgram(argv(project.config))
      await program.says(stage)
      const left = await scratchOf(sql)
      program.kill()
      await program.ended
      expect(left).toHaveLength(stage === 'Load the data' ? 1 : 0)
      for (const name of left) {
        const old = await age(sql, name)
        const status = await project.run('status')
        expect(status.stdout).toContain(`database ${old} of a drill that was killed holds a copy of the data`)
        expect(status.exitCode).toBe(1)
      }
      // The server sees that the killed one is gone a moment later.
      const next = await vi.waitFor(() => project.json('drill'), { timeout: 20_000, interval: 200 })
      expect(next).toMatchObject({ ok: true, rows: 4000 })
      expect(await scratchOf(sql)).toEqual([])
      await vi.waitFor(async () => expect((await project.run('status')).stdout).toContain('in order'), {
        timeout: 20_000,
      })
      const { rows } = await sql.query(
        'SELECT slot_name FROM pg_replication_slots WHERE database = current_database()',
      )
      expect(rows).toHaveLength(1)
    },
  )
})

/** Stands before the emulator, whose snapshots are there at once, and says of each that RDS is still at it. */
async function startSlowRds(target: string) {
  const server = createServer(async (incoming, response) => {
    const body = await buffer(incoming)
    const { method, headers } = incoming
    const { host: _host, connection: _connection, 'content-length': _length, ...kept } = headers
    const sent = { method, headers: kept as Record<string, string>, body: new Uint8Array(body) }
    const answer = await fetch(new URL(incoming.url ?? '', target), sent)
    const text = (await answer.text()).replace('<Status>available</Status>', '<Status>creating</Status>')
    response.writeHead(answer.status, { 'content-type': 'text/xml' }).end(text)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

describe.skipIf(!hasMoto)('a snapshot that is killed while RDS makes it', () => {
  let moto: Awaited<ReturnType<typeof startMoto>>
  let slow: Awaited<ReturnType<typeof startSlowRds>>
  beforeAll(async () => {
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, 'testing')
    moto = await startMoto()
    slow = await startSlowRds(moto.endpoint)
  })
  afterAll(async () => {
    await slow?.close()
    await moto?.stop()
    vi.unstubAllEnvs()
  })
  const project = (endpoint: string) =>
    temporaryFolder({
      'emr.config.yaml': `services: {}
environments:
  dev:
    aws: {accountId: "123456789012", region: us-east-1, endpoint: "${endpoint}"}
    cluster: {eks: none}
    database: {instance: emr-db}
    backup: {store: ./backups}
`,
    })

  test('is RDS’s own by then: it is complete and named, and the next one is made beside it', async () => {
    const rds = new RDSClient({ region: 'us-east-1', endpoint: moto.endpoint })
    onTestFinished(() => rds.destroy())
    await rds.send(
      new CreateDBInstanceCommand({
        ...{ DBInstanceIdentifier: 'emr-db', DBInstanceClass: 'db.r6i.large', Engine: 'postgres' },
        ...{ MasterUsername: 'emr', MasterUserPassword: 'not-a-secret', AllocatedStorage: 20 },
      }),
    )
    const folder = project(slow.endpoint)
    const program = startProgram(['db-backup', 'snapshot', 'dev', '--config', `${folder}/emr.config.yaml`])
    await program.says(' %')
    program.kill()
    expect((await program.ended).exitCode).toBe(null)
    const snapshots = async () =>
      (
        await rds.send(
          new DescribeDBSnapshotsCommand({ DBInstanceIdentifier: 'emr-db', SnapshotType: 'manual' }),
        )
      ).DBSnapshots ?? []
    const [killed, ...others] = await snapshots()
    expect(others).toEqual([])
    expect(killed).toMatchObject({ Status: 'available' })
    expect(killed?.TagList).toContainEqual({ Key: 'emr:made-by', Value: 'emr db-backup' })
    const argv = ['dev', '--config', `${project(moto.endpoint)}/emr.config.yaml`, '--json']
    const next = await runCommand(DbBackupSnapshot, argv)
    expect(next).toMatchObject({ exitCode: 0 })
    expect(JSON.parse(next.stdout).snapshot.id).not.toBe(killed?.DBSnapshotIdentifier)
    expect(await snapshots()).toHaveLength(2)
  })
})
