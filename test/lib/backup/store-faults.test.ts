import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { BackupManifest } from '../../../src/lib/domain/backup/manifest.ts'
import { hasPostgres, type PostgresServer, startPostgres } from '../../support/postgres.ts'
import { hasMoto, startMoto } from './moto.ts'
import { backupProject, contentOf, newDatabase, open } from './project.ts'
import { type S3Proxy, startS3Proxy } from './s3-proxy.ts'

const REGION = 'us-east-1'

describe.skipIf(!hasMoto || !hasPostgres)('faults of a store in S3', () => {
  let moto: Awaited<ReturnType<typeof startMoto>>
  let proxy: S3Proxy
  let server: PostgresServer
  beforeAll(async () => {
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, 'testing')
    moto = await startMoto()
    proxy = await startS3Proxy(moto.endpoint)
    server = await startPostgres()
  })
  afterAll(async () => {
    await server?.stop()
    await proxy?.close()
    await moto?.stop()
    vi.unstubAllEnvs()
  })

  let buckets = 0
  /** A database, and a new bucket behind the proxy. */
  async function prepare() {
    void proxy.fail(/^$/, 500)
    buckets += 1
    const s3 = new S3Client({ region: REGION, endpoint: moto.endpoint, forcePathStyle: true })
    await s3.send(new CreateBucketCommand({ Bucket: `faults-${buckets}` }))
    s3.destroy()
    const source = await newDatabase(server)
    const sql = await open(source)
    await sql.query('CREATE TABLE t (id int PRIMARY KEY, text text)')
    await grow(sql, 3000)
    const project = backupProject(source, {
      backup: `store: "s3://faults-${buckets}"`,
      more: [`aws: {accountId: "123456789012", region: ${REGION}, endpoint: "${proxy.endpoint}"}`],
    })
    return { source, sql, project }
  }
  const grow = (sql: Client, rows: number) =>
    sql.query(
      `INSERT INTO t SELECT max + n, md5(random()::text || n) FROM generate_series(1, ${rows}) n,
         (SELECT coalesce(max(id), 0) AS max FROM t) m`,
    )

  test('verify ends with the fault, and never with a verdict', async () => {
    const { project, sql } = await prepare()
    await project.json('full')
    await grow(sql, 30_000)
    await project.json('incremental')
    const cases = [
      ['data-1.dump.zst', 'cut', 'STORE_UNREACHABLE', 5],
      ['schema.dump.zst', 'cut', 'STORE_UNREACHABLE', 5],
      ['changes.zst', 'cut', 'STORE_UNREACHABLE', 5],
      ['data-1.dump.zst', 'disconnect', 'STORE_UNREACHABLE', 5],
      ['data-1.dump.zst', 503, 'STORE_UNREACHABLE', 5],
      ['data-1.dump.zst', 403, 'STORE_DENIED', 4],
      ['manifest.json', 'cut', 'STORE_UNREACHABLE', 5],
      ['manifest.json', 403, 'STORE_DENIED', 4],
    ] as const
    for (const [name, fault, code, exitCode] of cases) {
      for (const flags of [[], ['--decode']]) {
        void proxy.fail(new RegExp(`^GET .*/${name}`), fault)
        const run = await project.run('verify', '--json', ...flags)
        const outcome = {
          name,
          fault,
          flags,
          code: JSON.parse(run.stdout).error?.code,
          exitCode: run.exitCode,
        }
        expect(outcome).toEqual({ name, fault, flags, code, exitCode })
        expect(proxy.failed()).toBeGreaterThan(0)
      }
    }
    void proxy.fail(/^$/, 500)
    expect(await project.json('verify', '--decode')).toMatchObject({ ok: true })
  })

  test.each([
    ['the manifest is written', /^PUT .*manifest\.json/, 403, 'STORE_DENIED', 4],
    ['the manifest is written', /^PUT .*manifest\.json/, 503, 'STORE_UNREACHABLE', 5],
    ['the manifest is written', /^PUT .*manifest\.json/, 'disconnect', 'STORE_UNREACHABLE', 5],
    ['the store is listed', /^GET .*list-type=2/, 403, 'STORE_DENIED', 4],
    ['the store is listed', /^GET .*list-type=2/, 503, 'STORE_UNREACHABLE', 5],
    ['the store is listed', /^GET .*list-type=2/, 'disconnect', 'STORE_UNREACHABLE', 5],
    ['a backup is read', /^GET .*manifest\.json/, 403, 'STORE_DENIED', 4],
    ['a backup is read', /^GET .*manifest\.json/, 503, 'STORE_UNREACHABLE', 5],
  ] as const)(
    'while %s (%s): %s ends the run, and nothing of it is left',
    async (_, pattern, fault, code, exitCode) => {
      const { project } = await prepare()
      const before = await project.json<BackupManifest>('full')
      for (const verb of ['full', 'incremental'] as const) {
        void proxy.fail(pattern, fault)
        const run = await project.run(verb, '--json')
        expect(proxy.failed()).toBeGreaterThan(0)
        expect(JSON.parse(run.stdout).error).toMatchObject({ code })
        expect(run.exitCode).toBe(exitCode)
        void proxy.fail(/^$/, 500)
        const list = await project.json('list')
        expect(list).toMatchObject({
          chains: [{ id: before.id, backups: [{}] }],
          damaged: [],
          unfinished: [],
        })
      }
      expect(await project.json('incremental')).toMatchObject({ kind: 'incremental', parent: before.id })
    },
  )

  test('a manifest whose first answer was lost is published once, and restores', async () => {
    const { project, source } = await prepare()
    for (const verb of ['full', 'incremental'] as const) {
      void proxy.fail(/^PUT .*manifest\.json/, 'lost answer', 1)
      expect(await project.json(verb)).toMatchObject({ kind: verb })
      expect(proxy.failed()).toBe(1)
    }
    const database = `restored_${process.pid}`
    await project.json('restore', '--target', database, '--yes')
    expect(await contentOf({ ...source, database })).toEqual(await contentOf(source))
  })

  test('an empty store has nothing to verify: that is not good', async () => {
    const { project } = await prepare()
    const { exitCode, stdout } = await project.run('verify', '--json')
    expect(exitCode).toBe(1)
    expect(JSON.parse(stdout).error).toMatchObject({ code: 'NO_BACKUP' })
  })
})
