import { DatabaseSync } from 'node:sqlite'

/**
 * Takes the lock that one server per folder holds. SQLite is used for its file lock alone: the operating system
 * releases it when the process ends, however it ends, so that there are no stale locks to judge.
 * @returns what releases it, or undefined when another process holds it
 */
export function takeLock(file: string): (() => void) | undefined {
  const database = new DatabaseSync(file)
  try {
    // Who only looks whether the lock is held has it for a moment.
    database.exec('PRAGMA busy_timeout = 250; BEGIN EXCLUSIVE')
    return () => database.close()
  } catch {
    database.close()
    return undefined
  }
}
