import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { BackupCatalog } from '../../../src/lib/adapters/store/catalog.ts'
import { DirectoryStore } from '../../../src/lib/adapters/store/directory.ts'
import { StoreLock } from '../../../src/lib/adapters/store/lock.ts'
import { S3Store } from '../../../src/lib/adapters/store/s3.ts'
import type { ObjectStore } from '../../../src/lib/adapters/store/store.ts'
import { hasPostgres, type PostgresServer, startPostgres } from '../../support/postgres.ts'
import { temporaryFolder } from '../../support/project.ts'
import { full } from '../domain/backup/generate.ts'
import { hasMoto, startMoto } from './moto.ts'
import { startProgram } from './program.ts'
import { backupProject, newDatabase, open } from './project.ts'

const FOLDER = 'local/_lock'
const LOCKED = { code: 'BACKUP_LOCKED', exitCode: 8 }
const LOST = { code: 'LOCK_LOST', exitCode: 8 }

/** A store to which something happens after a lock was read and before its reader acts on it. */
function interrupted(store: ObjectStore, meanwhile: () => Promise<unknown>): ObjectStore {
  let isDone = false
  return {
    url: store.url,
    create: (key) => store.create(key),
    putOnce: (key, text) => store.putOnce(key, text),
    put: (key, text) => store.put(key, text),
    list: (prefix) => store.list(prefix),
    delete: (keys) => store.delete(keys),
    unfinishedUploads: (prefix) => store.unfinishedUploads(prefix),
    read: async (key) => {
      const stream = await store.read(key)
      if (!isDone) {
        isDone = true
        await meanwhile()
      }
      return stream
    },
  }
}

const keysOf = async (store: ObjectStore) => (await store.list('local/')).map(({ key }) => key)

let moto: Awaited<ReturnType<typeof startMoto>> | undefined
let buckets = 0
beforeAll(async () => {
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, 'testing')
  if (hasMoto) moto = await startMoto()
})
afterAll(async () => {
  await moto?.stop()
  vi.unstubAllEnvs()
})

async function bucket(): Promise<ObjectStore> {
  buckets += 1
  const account = { accountId: '123456789012', region: 'us-east-1', endpoint: String(moto?.endpoint) }
  const client = new S3Client({ ...account, forcePathStyle: true })
  await client.send(new CreateBucketCommand({ Bucket: `lock-${buckets}` }))
  client.destroy()
  return new S3Store(account, { bucket: `lock-${buckets}`, prefix: 'some', kmsKeyId: undefined })
}

describe.each([
  ['a directory', true, async () => new DirectoryStore(temporaryFolder())],
  ['S3', hasMoto, bucket],
] as const)('the lock in %s', (_name, isThere, open) => {
  if (!isThere) return
  afterEach(() => void vi.useRealTimers())
  /** As if the owner's machine slept. */
  const sleep = (ms: number) => vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms })

  test('is held by one run at a time, and leaves nothing', async () => {
    const store = await open()
    const first = await StoreLock.take(store, FOLDER, 'Full backup', 'system/1')
    await expect(StoreLock.take(store, FOLDER, 'Prune')).rejects.toMatchObject(LOCKED)
    await expect(StoreLock.take(store, FOLDER, 'Full backup', 'system/2')).rejects.toMatchObject(LOCKED)
    await Promise.all([first.confirm(), first.confirm(), first.confirm()])
    expect(await keysOf(store)).toHaveLength(1)
    await expect(StoreLock.take(store, FOLDER, 'Prune')).rejects.toMatchObject(LOCKED)
    await first.release()
    expect(await keysOf(store)).toEqual([])
    await (await StoreLock.take(store, FOLDER, 'Prune')).release()
  })

  test('that is left behind for the same database is taken over; its old owner stops, and leaves the new one alone', async () => {
    const store = await open()
    const first = await StoreLock.take(store, FOLDER, 'Full backup', 'system/1')
    const second = await StoreLock.take(store, FOLDER, 'Incremental backup', 'system/1')
    await expect(first.confirm()).rejects.toMatchObject({
      ...LOST,
      message: expect.stringContaining('Incremental backup took it over'),
    })
    await first.release()
    await second.confirm()
    await second.release()
    expect(await keysOf(store)).toEqual([])
  })

  test('two that wait for a stale one: the slower does not take the fresh one of the quicker', async () => {
    const store = await open()
    const asleep = await StoreLock.take(store, FOLDER, 'Full backup')
    sleep(91_000)
    const taken: StoreLock[] = []
    const slow = interrupted(store, async () => taken.push(await StoreLock.take(store, FOLDER, 'Prune')))
    await expect(StoreLock.take(slow, FOLDER, 'Full backup')).rejects.toMatchObject(LOCKED)
    await taken[0]?.confirm()
    await expect(asleep.confirm()).rejects.toMatchObject(LOST)
    await asleep.release()
    await taken[0]?.confirm()
    await taken[0]?.release()
    expect(await keysOf(store)).toEqual([])
  })

  test('one that waited while others came and went does not take the newest', async () => {
    const store = await open()
    await StoreLock.take(store, FOLDER, 'Full backup')
    sleep(91_000)
    const taken: StoreLock[] = []
    const slow = interrupted(store, async () => {
      await (await StoreLock.take(store, FOLDER, 'Prune')).release()
      taken.push(await StoreLock.take(store, FOLDER, 'Prune'))
    })
    await expect(StoreLock.take(slow, FOLDER, 'Full backup')).rejects.toMatchObject(LOCKED)
    await taken[0]?.confirm()
    await taken[0]?.release()
    expect(await keysOf(store)).toEqual([])
  })

  test('many that want a stale one at once: one gets it', async () => {
    const store = await open()
    for (let round = 1; round <= 3; round += 1) {
      const asleep = await StoreLock.take(store, FOLDER, 'Full backup')
      sleep(91_000)
      const all = Array.from({ length: 8 }, () => StoreLock.take(store, FOLDER, 'Prune'))
      const outcomes = await Promise.allSettled(all)
      const won = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
      expect(won).toHaveLength(1)
      for (const lock of [asleep, ...won]) await lock.release()
      expect(await keysOf(store)).toEqual([])
    }
  })

  test('that is lost lets nothing be published or deleted', async () => {
    const store = await open()
    const catalog = new BackupCatalog(store, 'local')
    await catalog.publish(full('there', 0))
    const first = await StoreLock.take(store, FOLDER, 'Full backup', 'system/1')
    const second = await StoreLock.take(store, FOLDER, 'Full backup', 'system/1')
    const held = catalog.held(first)
    await expect(held.publish(full('late', 0))).rejects.toMatchObject(LOST)
    await expect(held.remove('there')).rejects.toMatchObject(LOST)
    expect((await catalog.read()).manifests.map(({ id }) => id)).toEqual(['there'])
    await catalog.held(second).remove('there')
    for (const lock of [first, second]) await lock.release()
  })

  test('cannot hide a failure by one of its own', async () => {
    const store = await open()
    const failing = interrupted(store, async () => undefined)
    const lock = await StoreLock.take(failing, FOLDER, 'Prune')
    failing.delete = () => Promise.reject(new Error('the store is gone'))
    await lock.release()
    expect(await keysOf(store)).toHaveLength(1)
  })
})

describe.skipIf(!hasPostgres)('a run whose lock another run has taken', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server?.stop())

  test('publishes nothing, says who it was, and ends with 8', async () => {
    const source = await newDatabase(server)
    const sql = await open(source)
    await sql.query(
      `CREATE TABLE t (id int PRIMARY KEY, text text); INSERT INTO t SELECT n, md5(random()::text) FROM generate_series(1, 2000) n`,
    )
    const project = backupProject(source)
    const argv = ['full', 'local', '--config', project.config, '--max-rate', '20kB']
    const program = startProgram(['db-backup', ...argv])
    await program.says('Dump the schema')
    const { oid, system } = (
      await sql.query(
        `SELECT oid, system_identifier::text AS system FROM pg_database, pg_control_system() WHERE datname = current_database()`,
      )
    ).rows[0]
    const store = new DirectoryStore(join(project.folder, 'backups'))
    const other = await StoreLock.take(store, FOLDER, 'Another backup', `${system}/${oid}`)
    const { exitCode, stderr } = await program.ended
    expect(stderr).toContain('lost its lock in the store, so it stops: Another backup took it over')
    expect(exitCode).toBe(8)
    expect(await project.json('list')).toMatchObject({ chains: [] })
    await other.confirm()
    await other.release()
  })
})
