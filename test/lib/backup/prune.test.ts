import { readdirSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { BackupCatalog } from '../../../src/lib/adapters/store/catalog.ts'
import { DirectoryStore } from '../../../src/lib/adapters/store/directory.ts'
import { StoreLock } from '../../../src/lib/adapters/store/lock.ts'
import { S3Store } from '../../../src/lib/adapters/store/s3.ts'
import type { ObjectStore } from '../../../src/lib/adapters/store/store.ts'
import type { PruneResult } from '../../../src/lib/workflows/backup/prune.ts'
import { full, incremental } from '../domain/backup/generate.ts'
import { hasMoto, startMoto } from './moto.ts'
import { startProgram } from './program.ts'
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

  test('of a protected environment wants its name', async () => {
    const { project, store, before } = await prepare(
      'protected: true',
      'aws: {accountId: "123456789012", region: us-east-1}',
    )
    // Somewhere where nobody can be asked.
    for (const [answer, code] of [
      [['--yes'], 'CONFIRMATION_NEEDED'],
      [['--confirm', 'other'], 'CONFIRMATION_WRONG'],
    ] as const) {
      const { exitCode, stdout } = await project.run('prune', '--apply', '--json', ...answer)
      expect(exitCode).toBe(2)
      expect(JSON.parse(stdout).error).toMatchObject({ code })
      expect(await keysOf(store)).toEqual(before)
    }
    await project.json('prune', '--apply', '--confirm', 'local')
    expect(await idsOf(store)).toEqual(LEFT)
  })

  test('waits for nobody: while another run has the lock it deletes nothing', async () => {
    const { project, store, catalog, before } = await prepare()
    const lock = await StoreLock.take(store, catalog.recordKey('lock'), 'Full backup of local')
    const { exitCode, stderr } = await project.run('prune', '--apply')
    expect(stderr).toContain('Another Full backup of local is under way')
    expect(exitCode).toBe(8)
    await lock.release()
    expect(await keysOf(store)).toEqual(before)
  })

  test('keeps a damaged backup and what may go on from it', async () => {
    const { project, store, catalog } = await prepare()
    await store.put(catalog.keyOf('b-old', 'manifest.json'), '{}')
    const { decisions } = await project.json<PruneResult>('prune', '--apply')
    const kept = decisions.filter(({ action }) => action === 'keep').map(({ id }) => id)
    expect(kept).toEqual(expect.arrayContaining(['b-old', 'e-orphan']))
    expect(await idsOf(store)).toEqual(['b-old', 'c-base', 'd-new', 'e-orphan', 'f-failed'])
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
    void proxy.fail(/^$/, 500)
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

  test('asks where nothing protects it either, and aborts uploads that nobody will finish', async () => {
    const { project, store, before } = await prepare()
    // The emulator says of each that it began in 2010.
    const upload = await store.create('local/f-failed/data-2')
    await upload.write(Buffer.from('half'))
    expect(await store.unfinishedUploads('local/')).toHaveLength(1)
    expect(await project.json<PruneResult>('prune')).toMatchObject({ applied: false, uploads: 1 })
    expect((await project.run('prune', '--apply')).exitCode).toBe(2)
    expect(await keysOf(store)).toEqual(before)
    expect(await store.unfinishedUploads('local/')).toHaveLength(1)
    expect(await project.json<PruneResult>('prune', '--apply', '--yes')).toMatchObject({ uploads: 1 })
    expect(await store.unfinishedUploads('local/')).toEqual([])
    expect(await idsOf(store)).toEqual(LEFT)
  })

  test('killed in the middle of a backup: what remains is none, and goes with the next prune', async () => {
    const { project, store, catalog, before } = await prepare()
    const argv = ['prune', 'local', '--config', project.config, '--apply', '--yes']
    const caught = proxy.fail(/^DELETE .*b-old\/data-2/, 'hang')
    const program = startProgram(['db-backup', ...argv])
    await caught
    // It holds the lock meanwhile.
    expect(await keysOf(store)).toContainEqual(expect.stringMatching(/^local\/_lock\//))
    expect((await project.run('prune', '--apply', '--yes')).exitCode).toBe(8)
    program.kill()
    await program.ended
    void proxy.fail(/^$/, 500)
    const gone = ['local/e-orphan/', 'local/b-old/data-1', 'local/b-old/manifest.json']
    const left = (await keysOf(store)).filter((key) => !key.includes('_lock'))
    expect(left).toEqual(before.filter((key) => !gone.some((start) => key.startsWith(start))))
    const list = await project.json('list')
    expect(list).toMatchObject({ damaged: [], orphans: [], unfinished: ['b-old', 'f-failed'] })
    expect((await catalog.read()).manifests.map(({ id }) => id)).toEqual(['a-old', 'c-base', 'd-new'])
    // When the lock is stale, and what is unfinished is nobody's any more.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2 * DAY })
    onTestFinished(() => void vi.useRealTimers())
    await project.json('prune', '--apply', '--yes')
    expect(await idsOf(store)).toEqual(['c-base', 'd-new'])
  })
})
