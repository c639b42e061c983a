import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { EmrError, ExitCode } from '../../errors.ts'
import { userName } from '../../user-name.ts'
import { type ObjectStore, readText } from './store.ts'

interface LockRecord {
  token: string
  owner: string
  operation: string
  /** Identity of the database that the run holds the advisory lock of; undefined for one that needs no database. */
  database?: string
  /** ISO 8601 */
  since: string
  renewedAt: string
}

/** A run renews its lock three times in this time, so one that is older belongs to nobody. */
const STALE_MS = 90_000

export interface StoreLock {
  release(): Promise<void>
}

/**
 * One run at a time for each environment of a store.
 * @param database set by a run that holds the advisory lock of this database: then no other run on it can be alive, and
 *   a lock that was left behind for it is taken over at once
 * @throws {EmrError} BACKUP_LOCKED (exit 8)
 */
export async function lockStore(
  store: ObjectStore,
  key: string,
  operation: string,
  database?: string,
): Promise<StoreLock> {
  const since = new Date().toISOString()
  const owner = `${userName()}@${hostname()} (process ${process.pid})`
  const record: LockRecord = { token: randomUUID(), owner, operation, database, since, renewedAt: since }
  const text = () => JSON.stringify({ ...record, renewedAt: new Date().toISOString() })
  while (!(await store.putOnce(key, text()))) {
    const held = await readLock(store, key)
    if (held === undefined) continue
    const age = Date.now() - Date.parse(held.renewedAt)
    const isLeftBehind = database !== undefined && held.database === database
    if (!isLeftBehind && age < STALE_MS) throw locked(held, age)
    await store.delete([key])
  }
  const renew = setInterval(() => void store.put(key, text()).catch(() => {}), STALE_MS / 3)
  renew.unref()
  return {
    release: async () => {
      clearInterval(renew)
      if ((await readLock(store, key))?.token === record.token) await store.delete([key])
    },
  }
}

async function readLock(store: ObjectStore, key: string): Promise<LockRecord | undefined> {
  try {
    return JSON.parse(await readText(store, key)) as LockRecord
  } catch (error) {
    if (error instanceof EmrError && error.code === 'STORE_OBJECT_MISSING') return undefined
    throw error
  }
}

function locked({ owner, operation, since }: LockRecord, ageMs: number): EmrError {
  return new EmrError(`Another ${operation} is under way: ${owner}, since ${since}`, {
    code: 'BACKUP_LOCKED',
    exitCode: ExitCode.locked,
    suggestions: [
      `try again later; a lock that is not renewed for ${STALE_MS / 1000} s ends by itself (renewed ${Math.round(ageMs / 1000)} s ago)`,
    ],
    details: { owner, operation, since },
  })
}
