import { truncateSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { EmrError, ExitCode } from '../errors.ts'

/** SQLite's result codes: another connection has the lock; the file holds something else than a database. */
const BUSY = 5
const NOT_A_DATABASE = 26

/**
 * Takes the lock that one server per folder holds. SQLite is used for its file lock alone: the operating system
 * releases it when the process ends, however it ends, so that there are no stale locks to judge.
 * @returns what releases it, or undefined when another process holds it
 * @throws {EmrError} FILE_SYSTEM (4) when the file cannot be used at all
 */
export function takeLock(file: string): (() => void) | undefined {
  let failure = lockWith(file)
  if (failure === NOT_A_DATABASE) {
    // The file holds no data. It is emptied and not removed: of two starters, both must lock the same file.
    truncateSync(file)
    failure = lockWith(file)
  }
  return typeof failure === 'number' ? undefined : failure
}

/** @returns what releases the lock, or SQLite's reason why it was not got */
function lockWith(file: string): (() => void) | typeof BUSY | typeof NOT_A_DATABASE {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file)
    const held = database
    // Who only looks whether the lock is held has it for a moment.
    held.exec('PRAGMA busy_timeout = 250; BEGIN EXCLUSIVE')
    return () => held.close()
  } catch (cause) {
    database?.close()
    const { errcode, message } = cause as Error & { errcode?: number }
    if (errcode === BUSY || errcode === NOT_A_DATABASE) return errcode
    throw new EmrError(`${file} cannot be locked: ${message}`, {
      code: 'FILE_SYSTEM',
      exitCode: ExitCode.preflight,
      suggestions: [`look at it: ls -ld ${file}`],
      cause,
    })
  }
}
