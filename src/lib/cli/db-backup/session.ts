import { BackupCatalog } from '../../adapters/store/catalog.ts'
import { DirectoryStore } from '../../adapters/store/directory.ts'
import { S3Store } from '../../adapters/store/s3.ts'
import type { ObjectStore } from '../../adapters/store/store.ts'
import { RateLimit, type TransferOptions } from '../../adapters/store/transfer.ts'
import { digest } from '../../digest.ts'
import type { BackupSettings } from '../../domain/backup/settings.ts'
import type { Environment } from '../../domain/environment.ts'
import { Meter } from '../../output/meter.ts'
import { runTasks } from '../../output/task-list.ts'
import { keepYoungGenerationSmall, letHeapGrowBy } from '../../process/memory.ts'
import type { CommandContext } from '../base-command.ts'
import { withInfrastructureFacts } from '../infrastructure-facts.ts'
import { openSession, type Session, type SessionFlags } from '../session.ts'
import { notConfigured } from './database.ts'

/** One command's work on the backups of one environment. */
export interface BackupSession extends Session {
  settings: BackupSettings
  catalog: BackupCatalog
  /** Beginning of the names of the slots of this store and environment: another store has its own chains. */
  slotPrefix: string
}

/**
 * @param needed what the command works with beside the store
 * @throws {EmrError} BACKUP_NOT_CONFIGURED (exit 3)
 */
export async function openBackupSession(
  flags: SessionFlags,
  { signal }: CommandContext,
  needed = { database: false },
): Promise<BackupSession> {
  // The changes of a database are short-lived objects; the part of the heap for those would grow by 100 MB.
  keepYoungGenerationSmall()
  letHeapGrowBy(100)
  const session = await openSession(flags, signal)
  const environment = await withInfrastructureFacts(session, { ...needed, backup: true })
  if (!environment.backup) throw notConfigured(environment.name, 'backup: {store: …}')
  const store = openStore(environment, environment.backup)
  return {
    ...session,
    environment,
    settings: environment.backup,
    catalog: new BackupCatalog(store, environment.name),
    slotPrefix: `emr_${digest(`${store.url} ${environment.name}`).slice(0, 8)}_`,
  }
}

function openStore({ aws, name }: Environment, { store }: BackupSettings): ObjectStore {
  if (store.kind === 'directory') return new DirectoryStore(store.path)
  if (!aws) throw notConfigured(name, 'aws: {accountId: …, region: …}, for a store in S3')
  return new S3Store(aws, { bucket: store.bucket, prefix: store.prefix, kmsKeyId: store.kmsKeyId })
}

/** Runs work as one task whose line tells how far it is. @param work gets the meter and what transfers need */
export async function metered<T>(
  title: string,
  { signal }: Session,
  bytesPerSecond: number | undefined,
  work: (meter: Meter, transfer: TransferOptions) => Promise<T>,
): Promise<T> {
  const outcome: { value?: T } = {}
  await runTasks([
    {
      title,
      task: async (_context, task) => {
        const show = (text: string) => {
          task.output = text
        }
        const meter = new Meter(show, { terminal: process.stderr.isTTY === true, now: Date.now })
        const limit = new RateLimit(bytesPerSecond ?? Infinity)
        outcome.value = await work(meter, { signal, limit, onBytes: (bytes) => meter.add(bytes) })
      },
    },
  ])
  return outcome.value as T
}
