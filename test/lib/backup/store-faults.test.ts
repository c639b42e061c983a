import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { hasPostgres, type PostgresServer, startPostgres } from '../../support/postgres.ts'
import { hasMoto, startMoto } from './moto.ts'
import { backupProject, newDatabase, open } from './project.ts'
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
      for (const flags of name === 'changes.zst' ? [[]] : [[], ['--decode']]) {
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

  test('an empty store has nothing to verify: that is not good', async () => {
    const { project } = await prepare()
    const { exitCode, stdout } = await project.run('verify', '--json')
    expect(exitCode).toBe(1)
    expect(JSON.parse(stdout).error).toMatchObject({ code: 'NO_BACKUP' })
  })
})
