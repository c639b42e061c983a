import { join } from 'node:path'
import { type SandboxDatabase, startSandboxDatabase } from '../sandbox/database.ts'
import type { Session } from './session.ts'

/**
 * The database of an environment on the sandbox that has a `backup` section and names no database of its own.
 * @returns undefined for other environments, and where PostgreSQL is not on the machine
 */
export async function sandboxDatabase({
  environment,
  stateFolder,
}: Pick<Session, 'environment' | 'stateFolder'>): Promise<SandboxDatabase | undefined> {
  const { cluster, database, backup } = environment
  if (cluster.kind !== 'sandbox' || database !== undefined || backup === undefined) return undefined
  return startSandboxDatabase(join(stateFolder, 'sandbox'))
}
