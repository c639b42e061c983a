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

/** A record of a number that nobody writes a second time. */
interface Seen extends LockRecord {
  number: number
}

/** A run renews its lock three times in this time, so one that is older belongs to nobody. */
const STALE_MS = 90_000

/**
 * One run at a time for each environment of a store: a folder of numbered records, of which the highest holds the lock. To
 * take it, to take it over and to renew it are one act, to write the next number, which a store lets only one do; so no
 * record is ever overwritten, and none of another run deleted while it holds. See docs/decisions/041.
 */
export class StoreLock {
  readonly #store: ObjectStore
  readonly #folder: string
  readonly #record: Omit<LockRecord, 'renewedAt'>
  #held: Seen | undefined
  #renewal: NodeJS.Timeout | undefined
  /** One act at a time: a renewal beside another one would take itself for another run. */
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(store: ObjectStore, folder: string, record: Omit<LockRecord, 'renewedAt'>) {
    this.#store = store
    this.#folder = folder
    this.#record = record
  }

  /**
   * @param folder of the records, for nothing else
   * @param database set by a run that holds the advisory lock of this database: then no other run on it can be alive, and
   *   a lock that was left behind for it is taken over at once
   * @throws {EmrError} BACKUP_LOCKED (exit 8)
   */
  static async take(
    store: ObjectStore,
    folder: string,
    operation: string,
    database?: string,
  ): Promise<StoreLock> {
    const owner = `${userName()}@${hostname()} (process ${process.pid})`
    const since = new Date().toISOString()
    const lock = new StoreLock(store, folder, { token: randomUUID(), owner, operation, database, since })
    for (;;) {
      const holder = await lock.#highest()
      if (holder && !isFree(holder, database)) throw locked(holder)
      if (await lock.#write(holder)) break
    }
    lock.#renewal = setInterval(() => void lock.confirm().catch(() => {}), STALE_MS / 3)
    lock.#renewal.unref()
    return lock
  }

  /**
   * Renews it; to be done before anything that only its holder may do.
   * @throws {EmrError} LOCK_LOST (exit 8), or STORE_… when the store cannot say
   */
  confirm(): Promise<void> {
    const renewed = this.#turn.then(async () => {
      if (this.#held && (await this.#write(this.#held))) return
      this.#stop()
      throw lost(this.#record, await this.#highest())
    })
    this.#turn = renewed.catch(() => {})
    return renewed
  }

  /** Never fails: it may follow the failure that matters, and a lock that stays ends by itself. */
  async release(): Promise<void> {
    clearInterval(this.#renewal)
    await this.#turn
    const held = this.#held
    this.#stop()
    try {
      // Numbers begin anew once nobody holds it, so by now this one may be another run's.
      if (held && (await this.#read(held.number))?.token === held.token)
        await this.#store.delete([this.#key(held.number)])
    } catch {}
  }

  #stop(): void {
    clearInterval(this.#renewal)
    this.#held = undefined
  }

  /**
   * Writes the number after `before`. It counts when nobody's is higher by then and `before` is still what it was: else
   * this run has slept while others came and went, and takes its record back.
   */
  async #write(before: Seen | undefined): Promise<boolean> {
    const number = (before?.number ?? 0) + 1
    const record = { ...this.#record, renewedAt: new Date().toISOString() }
    const isNew = await this.#store.putOnce(this.#key(number), JSON.stringify(record))
    // An attempt whose answer was lost has written it.
    if (!isNew && (await this.#read(number))?.token !== record.token) return false
    const numbers = await this.#numbers()
    const isSame = before === undefined || (await this.#read(before.number))?.token === before.token
    if (numbers.at(-1) !== number || !isSame) {
      await this.#store.delete([this.#key(number)])
      return false
    }
    this.#held = { ...record, number }
    // What stays of these is lower, and so counts for nothing.
    await this.#store.delete(numbers.slice(0, -1).map((lower) => this.#key(lower))).catch(() => {})
    return true
  }

  async #highest(): Promise<Seen | undefined> {
    for (;;) {
      const number = (await this.#numbers()).at(-1)
      if (number === undefined) return undefined
      const record = await this.#read(number)
      if (record) return { ...record, number }
    }
  }

  async #numbers(): Promise<number[]> {
    const found = await this.#store.list(`${this.#folder}/`)
    return found.map(({ key }) => Number(key.slice(this.#folder.length + 1))).sort((a, b) => a - b)
  }

  async #read(number: number): Promise<LockRecord | undefined> {
    try {
      return JSON.parse(await readText(this.#store, this.#key(number))) as LockRecord
    } catch (error) {
      if (error instanceof EmrError && error.code === 'STORE_OBJECT_MISSING') return undefined
      throw error
    }
  }

  #key(number: number): string {
    return `${this.#folder}/${number}`
  }
}

function isFree(held: LockRecord, database: string | undefined): boolean {
  const isLeftBehind = database !== undefined && held.database === database
  return isLeftBehind || ageOf(held) >= STALE_MS
}

function ageOf({ renewedAt }: LockRecord): number {
  return Date.now() - Date.parse(renewedAt)
}

function locked(held: LockRecord): EmrError {
  const { owner, operation, since } = held
  const age = Math.round(ageOf(held) / 1000)
  return new EmrError(`Another ${operation} is under way: ${owner}, since ${since}`, {
    code: 'BACKUP_LOCKED',
    exitCode: ExitCode.locked,
    suggestions: [
      `try again later; a lock that is not renewed for ${STALE_MS / 1000} s ends by itself (renewed ${age} s ago)`,
    ],
    details: { owner, operation, since },
  })
}

function lost({ operation }: Pick<LockRecord, 'operation'>, by: LockRecord | undefined): EmrError {
  const why = by ? `: ${by.operation} took it over (${by.owner}, since ${by.since})` : ''
  return new EmrError(`${operation} lost its lock in the store, so it stops${why}`, {
    code: 'LOCK_LOST',
    exitCode: ExitCode.locked,
    suggestions: [
      'look at what there is: emr db-backup list',
      'run it again; a machine that sleeps or a store that does not answer for 90 s loses the lock',
    ],
    details: by ? { owner: by.owner, operation: by.operation, since: by.since } : {},
  })
}
