import { compress } from '../../adapters/postgres/compress.ts'
import { connectionLoss } from '../../adapters/postgres/connection.ts'
import { PostgresSource } from '../../adapters/postgres/source.ts'
import { StoreLock } from '../../adapters/store/lock.ts'
import { storeOutput, type TransferOptions } from '../../adapters/store/transfer.ts'
import type { BackupManifest } from '../../domain/backup/manifest.ts'
import { createdView } from '../../output/backup-view.ts'
import type { Meter } from '../../output/meter.ts'
import { stdoutTheme } from '../../output/theme.ts'
import { letHeapGrowBy } from '../../process/memory.ts'
import { fullBackup } from '../../workflows/backup/full.ts'
import { incrementalBackup } from '../../workflows/backup/incremental.ts'
import type { BackupPorts, BackupRequest } from '../../workflows/backup/ports.ts'
import type { CommandContext, Report } from '../base-command.ts'
import { usageError } from '../flags.ts'
import { operationId } from '../operation-id.ts'
import type { SessionFlags } from '../session.ts'
import { databaseConnection, resourceIdOf } from './database.ts'
import { throughJob, type Via } from './job.ts'
import { type BackupSession, metered, openBackupSession } from './session.ts'

export interface TransferFlags extends SessionFlags {
  jobs: number | undefined
  'max-rate': number | undefined
  via: Via | undefined
}

export interface CreateFlags extends TransferFlags {
  annotate: string[] | undefined
  'fix-identity': boolean
  'lock-timeout': number
}

/** `emr db-backup full` and `emr db-backup incremental` */
export async function createBackup(
  kind: 'full' | 'incremental',
  flags: CreateFlags,
  context: CommandContext,
): Promise<Report<BackupManifest>> {
  const session = await openBackupSession(flags, context, { database: true })
  const request = requestOf(flags, session)
  const view = (manifest: BackupManifest) =>
    createdView(manifest, kind, session.catalog.store.url, stdoutTheme)
  const there = await throughJob(session, kind, flags, view)
  if (there) return there
  const run = kind === 'full' ? fullBackup : incrementalBackup
  // Archives only pass through.
  if (kind === 'full') letHeapGrowBy(400)
  const title = `${kind === 'full' ? 'Full' : 'Incremental'} backup of ${session.environment.name}`
  const manifest = await withSource(session, title, flags, (ports) => run(ports, request))
  return { document: manifest, text: view(manifest) }
}

export function requestOf(flags: CreateFlags, { settings }: BackupSession): BackupRequest {
  return {
    jobs: flags.jobs ?? settings.jobs,
    fixIdentity: flags['fix-identity'],
    lockTimeoutMs: flags['lock-timeout'],
    annotations: parseAnnotations(flags.annotate ?? []),
  }
}

/** `key=value`, each key once. */
export function parseAnnotations(texts: readonly string[]): Record<string, string> {
  const annotations: Record<string, string> = {}
  for (const text of texts) {
    const [, key = '', value = ''] = /^([\w./-]{1,63})=(.{0,256})$/s.exec(text) ?? []
    if (key === '') throw usageError(`'${text}' is no annotation`, ['--annotate ticket=OPS-1234'])
    if (annotations[key] !== undefined) throw usageError(`The annotation ${key} is given twice`)
    annotations[key] = value
  }
  return annotations
}

/** Opens the source, takes both locks, and gives the work its ports; closes all of it, whatever happens. */
export async function withSource<T>(
  session: BackupSession,
  title: string,
  flags: TransferFlags,
  work: (ports: BackupPorts, transfer: TransferOptions, meter: Meter) => Promise<T>,
): Promise<T> {
  const { catalog, settings, signal, runner } = session
  const maxRate = flags['max-rate'] ?? settings.maxRate
  const connection = await databaseConnection(session, signal)
  return metered(title, session, maxRate, async (meter, transfer) => {
    const source = await PostgresSource.open(connection, runner, await resourceIdOf(session))
    try {
      const { systemId, oid } = source.facts.database
      const database = `${systemId}/${oid}`
      const lock = await StoreLock.take(catalog.store, catalog.recordKey('lock'), title, database)
      try {
        const held = { ...session, catalog: catalog.held(lock) }
        return await work(portsOf(held, source, transfer, meter), transfer, meter)
      } catch (error) {
        throw connectionLoss(
          connection,
          error,
          'run it again when the server is up; what was complete still counts',
        )
      } finally {
        await lock.release()
      }
    } finally {
      await source.close()
    }
  })
}

function portsOf(
  { environment, catalog, slotPrefix, signal }: BackupSession,
  source: PostgresSource,
  transfer: TransferOptions,
  progress: Meter,
): BackupPorts {
  return {
    id: operationId(),
    environment: environment.name,
    source,
    catalog,
    store: (key, programs) => storeOutput(catalog.store, key, programs, transfer),
    compress: (changes) => compress(source.programs, changes, signal),
    slotPrefix,
    progress,
    signal,
    now: Date.now,
  }
}
