import { readdirSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { BackupCatalog } from '../../../src/lib/adapters/store/catalog.ts'
import { DirectoryStore } from '../../../src/lib/adapters/store/directory.ts'
import { S3Store } from '../../../src/lib/adapters/store/s3.ts'
import type { ObjectStore } from '../../../src/lib/adapters/store/store.ts'
import type { PruneResult } from '../../../src/lib/workflows/backup/prune.ts'
import { full, incremental } from '../domain/backup/generate.ts'
import { hasMoto, startMoto } from './moto.ts'
import { type BackupProject, backupProject } from './project.ts'
import { type S3Proxy, startS3Proxy } from './s3-proxy.ts'

const DAY = 24 * 3_600_000
/** Nothing of it is asked: prune works on the store alone. */
const NO_DATABASE = {
  host: '127.0.0.1',
  port: 1,
  database: 'none',
  user: 'none',
  password: 'none',
  tls: 'disable',
  rootCertificate: undefined,
} as const

/** Whole days, so that the LSN that generate.ts makes of a time stays small. */
const daysAgo = (days: number) => Math.floor(Date.now() / 1000) * 1000 - days * DAY

async function write(store: ObjectStore, key: string): Promise<void> {
  const writer = await store.create(key)
  await writer.write(Buffer.from(key))
  await writer.complete()
}

/** Chains of which the first is too old to keep, an orphan, and what a run that failed has left. */
async function fill(store: ObjectStore): Promise<BackupCatalog> {
  const catalog = new BackupCatalog(store, 'local')
  const old = full('a-old', daysAgo(90))
  const oldChild = incremental('b-old', old, daysAgo(89))
  const base = full('c-base', daysAgo(45))
  const newest = full('d-new', daysAgo(3))
  const lost = incremental('gone', newest, daysAgo(2))
  const orphan = incremental('e-orphan', lost, daysAgo(1))
  for (const manifest of [old, oldChild, base, newest, orphan]) {
    for (const name of ['data-1', 'data-2']) await write(store, catalog.keyOf(manifest.id, name))
    await catalog.publish(manifest)
  }
  await write(store, catalog.keyOf('f-failed', 'data-1'))
  return catalog
}

const keysOf = async (store: ObjectStore) => (await store.list('local/')).map(({ key }) => key).sort()
const idsOf = async (store: ObjectStore) => [
  ...new Set((await keysOf(store)).map((key) => key.split('/')[1])),
]
const partials = ({ store }: BackupProject) =>
  readdirSync(join(store, 'f-failed')).filter((name) => name.endsWith('.partial'))
const LEFT = ['c-base', 'd-new', 'f-failed']

describe('db-backup prune of a directory', () => {
  async function prepare(...more: string[]) {
    const project = backupProject(NO_DATABASE, { more })
    const store = new DirectoryStore(join(project.folder, 'backups'))
    const catalog = await fill(store)
    return { project, store, catalog, before: await keysOf(store) }
  }

  test('deletes nothing by default and says what it would; with --apply just that, and forgotten uploads', async () => {
    const { project, store, before } = await prepare()
    const uploads = await Promise.all(['old', 'young'].map((name) => store.create(`local/f-failed/${name}`)))
    onTestFinished(() => Promise.all(uploads.map((upload) => upload.abort())).then(() => undefined))
    for (const name of partials(project)) {
      const time = name.startsWith('old') ? daysAgo(2) : Date.now()
      utimesSync(join(project.store, 'f-failed', name), time / 1000, time / 1000)
    }
    const planned = await project.json<PruneResult>('prune')
    expect((await project.run('prune')).stdout).toContain(
      '3 backups and 1 unfinished upload to delete. Nothing was deleted',
    )
    expect(await keysOf(store)).toEqual(before)
    expect(await store.unfinishedUploads('local/')).toHaveLength(2)
    const applied = await project.json<PruneResult>('prune', '--apply')
    expect(applied).toEqual({ ...planned, applied: true })
    const deleted = applied.decisions.filter(({ action }) => action === 'delete').map(({ id }) => id)
    expect(deleted.sort()).toEqual(['a-old', 'b-old', 'e-orphan'])
    // What is left of the others is whole, and the lock is given back.
    expect(await keysOf(store)).toEqual(before.filter((key) => LEFT.includes(String(key.split('/')[1]))))
    expect(await store.unfinishedUploads('local/')).toMatchObject([{ key: 'local/f-failed/young' }])
    expect(await project.json<PruneResult>('prune', '--apply')).toMatchObject({ uploads: 0 })
    expect(await idsOf(store)).toEqual(LEFT)
  })
})

describe.skipIf(!hasMoto)('db-backup prune of S3', () => {
  let moto: Awaited<ReturnType<typeof startMoto>>
  let proxy: S3Proxy
  beforeAll(async () => {
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, 'testing')
    moto = await startMoto()
    proxy = await startS3Proxy(moto.endpoint)
  })
  afterAll(async () => {
    await proxy?.close()
    await moto?.stop()
    vi.unstubAllEnvs()
  })
  let buckets = 0
  async function prepare() {
    buckets += 1
    const bucket = `prune-${buckets}`
    const region = 'us-east-1'
    const client = new S3Client({ region, endpoint: moto.endpoint, forcePathStyle: true })
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
    client.destroy()
    const account = { accountId: '123456789012', region, endpoint: moto.endpoint }
    const store = new S3Store(account, { bucket, prefix: '', kmsKeyId: undefined })
    const project = backupProject(NO_DATABASE, {
      backup: `store: "s3://${bucket}"`,
      more: [`aws: {accountId: "123456789012", region: ${region}, endpoint: "${proxy.endpoint}"}`],
    })
    const catalog = await fill(store)
    return { project, store, catalog, before: await keysOf(store) }
  }

  test.each([
    [403, 'STORE_DENIED', 4],
    [503, 'STORE_UNREACHABLE', 5],
    ['cut', 'STORE_UNREACHABLE', 5],
  ] as const)('%s at one manifest: fails, and deletes nothing', async (fault, code, exitCode) => {
    const { project, store, before } = await prepare()
    void proxy.fail(/^GET .*d-new\/manifest\.json/, fault)
    const run = await project.run('prune', '--apply', '--yes', '--json')
    expect(proxy.failed()).toBeGreaterThan(0)
    expect(run.exitCode).toBe(exitCode)
    expect(JSON.parse(run.stdout).error).toMatchObject({ code })
    expect(await keysOf(store)).toEqual(before)
  })
})
