import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  PutObjectLockConfigurationCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { S3Store } from '../../../src/lib/adapters/store/s3.ts'
import { readText } from '../../../src/lib/adapters/store/store.ts'
import type { BackupManifest } from '../../../src/lib/domain/backup/manifest.ts'
import { hasPostgres, type PostgresServer, startPostgres } from '../../support/postgres.ts'
import { hasMoto, startMoto } from './moto.ts'
import { backupProject, contentOf, newDatabase, open } from './project.ts'
import { type S3Proxy, startS3Proxy } from './s3-proxy.ts'

const REGION = 'us-east-1'
const KEY = 'arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555'

describe.skipIf(!hasMoto)('a store in S3', () => {
  let moto: Awaited<ReturnType<typeof startMoto>>
  let client: S3Client
  let store: S3Store
  beforeAll(async () => {
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, 'testing')
    moto = await startMoto()
    client = new S3Client({ region: REGION, endpoint: moto.endpoint, forcePathStyle: true })
    await client.send(new CreateBucketCommand({ Bucket: 'backups' }))
    store = storeAt('backups')
  })
  afterAll(async () => {
    client?.destroy()
    await moto?.stop()
    vi.unstubAllEnvs()
  })
  const account = () => ({ accountId: '123456789012', region: REGION, endpoint: moto.endpoint })
  const storeAt = (bucket: string) => new S3Store(account(), { bucket, prefix: 'some/prefix', kmsKeyId: KEY })
  const head = (key: string) =>
    client.send(new HeadObjectCommand({ Bucket: 'backups', Key: `some/prefix/${key}` }))

  test('writes parts of a stream, encrypted with the key, visible only when complete', async () => {
    const writer = await store.create('local/a/big')
    const chunk = Buffer.alloc(1024 * 1024, 'x')
    for (let n = 0; n < 20; n += 1) await writer.write(chunk)
    expect(await store.list('local/')).toEqual([])
    expect(await store.unfinishedUploads('local/')).toMatchObject([{ key: 'local/a/big' }])
    await writer.complete()
    expect(await store.list('local/')).toMatchObject([{ key: 'local/a/big', bytes: 20 * 1024 * 1024 }])
    expect(await head('local/a/big')).toMatchObject({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: KEY })
    expect((await readText(store, 'local/a/big')).length).toBe(20 * 1024 * 1024)
    await store.delete(['local/a/big'])
  })
  test('an aborted upload leaves nothing', async () => {
    const writer = await store.create('local/b/gone')
    await writer.write(Buffer.alloc(9 * 1024 * 1024))
    await writer.abort()
    expect(await store.list('local/')).toEqual([])
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: 'backups' }))
    expect(Uploads).toEqual([])
  })
  test('an object that must be new is written once, encrypted', async () => {
    expect(await store.putOnce('local/c/manifest.json', 'one')).toBe(true)
    expect(await store.putOnce('local/c/manifest.json', 'two')).toBe(false)
    expect(await readText(store, 'local/c/manifest.json')).toBe('one')
    expect(await head('local/c/manifest.json')).toMatchObject({ ServerSideEncryption: 'aws:kms' })
    await store.delete(['local/c/manifest.json'])
  })
  test('says what is missing', async () => {
    await expect(store.read('local/none')).rejects.toMatchObject({ code: 'STORE_OBJECT_MISSING' })
    await expect(storeAt('no-such-bucket').list('local/')).rejects.toMatchObject({
      code: 'STORE_MISSING',
      exitCode: 4,
    })
  })

  test('Object Lock: what is written is retained, and a deletion destroys nothing', async () => {
    await client.send(new CreateBucketCommand({ Bucket: 'locked', ObjectLockEnabledForBucket: true }))
    await client.send(
      new PutObjectLockConfigurationCommand({
        Bucket: 'locked',
        ObjectLockConfiguration: {
          ObjectLockEnabled: 'Enabled',
          Rule: { DefaultRetention: { Mode: 'COMPLIANCE', Days: 30 } },
        },
      }),
    )
    const locked = storeAt('locked')
    const writer = await locked.create('local/a/data')
    await writer.write(Buffer.from('data'))
    await writer.complete()
    expect(await locked.putOnce('local/a/manifest.json', '{}')).toBe(true)
    const Key = 'some/prefix/local/a/manifest.json'
    const written = await client.send(new HeadObjectCommand({ Bucket: 'locked', Key }))
    expect(written.ObjectLockMode).toBe('COMPLIANCE')
    await locked.delete(['local/a/data', 'local/a/manifest.json'])
    expect(await locked.list('local/')).toEqual([])
    const { Versions = [] } = await client.send(new ListObjectVersionsCommand({ Bucket: 'locked' }))
    expect(Versions.map(({ Key }) => Key)).toEqual(['some/prefix/local/a/data', Key])
  })

  describe('with faults in the middle of an upload', () => {
    const SECOND_PART = /^PUT .*partNumber=2/
    let proxy: S3Proxy
    let faulty: S3Store
    beforeAll(async () => {
      proxy = await startS3Proxy(moto.endpoint)
      faulty = new S3Store(
        { ...account(), endpoint: proxy.endpoint },
        { bucket: 'backups', prefix: 'some/prefix', kmsKeyId: KEY },
      )
    })
    afterAll(() => proxy?.close())
    const upload = async () => {
      const writer = await faulty.create('local/f/object')
      try {
        for (let n = 0; n < 3; n += 1) await writer.write(Buffer.alloc(8 * 1024 * 1024, n))
        await writer.complete()
      } catch (error) {
        await writer.abort()
        throw error
      }
    }

    test.each([
      ['403', 403, 'STORE_DENIED', 4],
      ['503, again and again', 503, 'STORE_UNREACHABLE', 5],
      ['disconnected, again and again', 'disconnect', 'STORE_UNREACHABLE', 5],
    ] as const)('%s: an error, and nothing is left', async (_what, fault, code, exitCode) => {
      proxy.fail(SECOND_PART, fault)
      await expect(upload()).rejects.toMatchObject({ code, exitCode })
      expect(proxy.failed()).toBeGreaterThan(0)
      expect(await store.list('local/f/')).toEqual([])
      expect(await store.unfinishedUploads('local/f/')).toEqual([])
    })
    test.each([503, 'disconnect'] as const)('%s once: the part is sent again', async (fault) => {
      proxy.fail(SECOND_PART, fault, 1)
      await upload()
      expect(proxy.failed()).toBe(1)
      expect(await store.list('local/f/')).toMatchObject([{ bytes: 24 * 1024 * 1024 }])
      await store.delete(['local/f/object'])
    })
  })

  describe.skipIf(!hasPostgres)('with a database', () => {
    let server: PostgresServer
    beforeAll(async () => {
      server = await startPostgres()
    })
    afterAll(() => server?.stop())

    test('full, incremental, verify and restore, with the password from Secrets Manager', async () => {
      const source = await newDatabase(server)
      const secrets = new SecretsManagerClient({ region: REGION, endpoint: moto.endpoint })
      const { user: username, password, host, port, database: dbname } = source
      const SecretString = JSON.stringify({ username, password, host, port, dbname })
      await secrets.send(new CreateSecretCommand({ Name: 'emr/database', SecretString }))
      secrets.destroy()
      const sql = await open(source)
      await sql.query(
        `CREATE TABLE t (id int PRIMARY KEY, text text); INSERT INTO t SELECT n, md5(n::text) FROM generate_series(1, 20000) n`,
      )
      const project = backupProject(source, {
        backup: `store: "s3://backups/clinic", kmsKey: "${KEY}"`,
        database: '{secret: emr/database, tls: {mode: disable}}',
        more: [`aws: {accountId: "123456789012", region: ${REGION}, endpoint: "${moto.endpoint}"}`],
      })
      const full = await project.json<BackupManifest>('full')
      await sql.query(`UPDATE t SET text = 'changed' WHERE id % 7 = 0`)
      expect(await project.json<BackupManifest>('incremental')).toMatchObject({
        kind: 'incremental',
        changes: 2857,
      })
      expect(await project.json('verify', '--decode')).toMatchObject({ ok: true })
      // A sandbox beside a real AWS account asks, as any environment does.
      await project.json('restore', '--target', 'from_s3', '--yes')
      expect(await contentOf({ ...source, database: 'from_s3' })).toEqual(await contentOf(source))
      for (const name of ['manifest.json', ...full.objects.map((object) => object.name)]) {
        const Key = `clinic/local/${full.id}/${name}`
        expect(await client.send(new HeadObjectCommand({ Bucket: 'backups', Key }))).toMatchObject({
          ServerSideEncryption: 'aws:kms',
          SSEKMSKeyId: KEY,
        })
      }
      const Key = `clinic/local/${full.id}/data-1.dump.zst`
      const { Body } = await client.send(new GetObjectCommand({ Bucket: 'backups', Key }))
      const bytes = Buffer.from((await Body?.transformToByteArray()) ?? [])
      await client.send(new PutObjectCommand({ Bucket: 'backups', Key, Body: bytes.subarray(0, -1) }))
      const damaged = await project.run('verify')
      expect(damaged.exitCode).toBe(1)
      expect(damaged.stdout).toContain('bytes instead of')
    })
  })
})
