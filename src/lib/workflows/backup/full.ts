import { chainsOf } from '../../domain/backup/chain.ts'
import {
  type BackupManifest,
  type BackupObject,
  type FullManifest,
  storedBytes,
} from '../../domain/backup/manifest.ts'
import { divideTables, type TableSize } from '../../domain/backup/parts.ts'
import { afterChange, EmrError, ExitCode } from '../../errors.ts'
import type { BackupPorts, BackupRequest, Snapshot } from './ports.ts'

/** Share of a table's size that its archive has, where no backup tells; for the estimate of the time alone. */
const USUALLY_PACKED = 0.25

/**
 * A full backup: one moment of the database as archives in the store, and a slot that keeps the log from that moment
 * on. It counts only once its manifest is written, which comes last; what a killed run leaves behind is no backup.
 * @param reason why a chain ended, where an incremental was asked for
 */
export async function fullBackup(
  ports: BackupPorts,
  request: BackupRequest,
  reason?: string,
): Promise<FullManifest> {
  const { source, catalog, progress, slotPrefix, id } = ports
  const startedAt = new Date(ports.now()).toISOString()
  progress.step('Set up the publication and the event triggers')
  await source.installGuard(request.fixIdentity)
  const previous = await newestFull(ports)
  // A run that was killed between making its slot and writing its manifest leaves one that nobody knows.
  await source.dropSlotsExcept(slotPrefix, previous?.slot)
  progress.step('Wait for a consistent beginning')
  const slot = `${slotPrefix}${id.toLowerCase().replaceAll('-', '_')}`
  const snapshot = await source.snapshot(`${slot}_tmp`, request.lockTimeoutMs)
  try {
    const tables = await snapshot.tables()
    const tableBytes = tables.reduce((sum, { bytes }) => sum + bytes, 0)
    const packed = previous ? storedBytes(previous) / previous.tableBytes : USUALLY_PACKED
    progress.total(tableBytes * packed)
    const { objects, schemaFingerprint } = await dumpAll(ports, divideTables(tables, request.jobs), snapshot)
    const needs = await snapshot.restoreNeeds()
    await ports.inspect?.(snapshot)
    progress.step('Write the manifest')
    ports.signal.throwIfAborted()
    await snapshot.keepSlot(slot, id)
    const manifest: FullManifest = {
      format: 1,
      kind: 'full',
      id,
      environment: ports.environment,
      chain: id,
      database: source.facts.database,
      serverMajor: source.facts.serverMajor,
      slot,
      end: snapshot.point,
      startedAt,
      finishedAt: new Date(ports.now()).toISOString(),
      schemaFingerprint,
      objects,
      tableBytes,
      annotations: request.annotations,
      ...needs,
      ...(reason === undefined ? {} : { reason }),
    }
    await publish(ports, manifest)
    // The chain before this one goes no further; its slot would keep the log for ever.
    await afterChange(`the backup ${id} is complete and counts`, () =>
      source.dropSlotsExcept(slotPrefix, slot),
    )
    return manifest
  } catch (error) {
    await catalog.discard(id).catch(() => {})
    throw error
  } finally {
    await snapshot.close()
  }
}

/** @throws {EmrError} BACKUP_EXISTS (exit 8) when another run wrote this manifest */
export async function publish({ catalog }: BackupPorts, manifest: BackupManifest): Promise<void> {
  if (await catalog.publish(manifest)) return
  throw new EmrError(`The store already has a backup ${manifest.id}`, {
    code: 'BACKUP_EXISTS',
    exitCode: ExitCode.locked,
    suggestions: ['run it again'],
  })
}

async function newestFull({ catalog }: BackupPorts): Promise<FullManifest | undefined> {
  return chainsOf((await catalog.read()).manifests).chains.at(-1)?.full
}

async function dumpAll(ports: BackupPorts, named: TableSize[][], snapshot: Snapshot) {
  const stop = new AbortController()
  const signal = AbortSignal.any([ports.signal, stop.signal])
  ports.progress.step('Dump the schema and the data')
  const dump = async (
    name: string,
    content: BackupObject['content'],
    scope: Parameters<Snapshot['dump']>[0],
  ): Promise<BackupObject> => {
    const stored = await ports.store(ports.catalog.keyOf(ports.id, name), snapshot.dump(scope, signal))
    return { name, content, ...stored }
  }
  const schema = Promise.all([
    dump('schema.dump.zst', 'schema', { content: 'schema' }),
    snapshot.fingerprint(signal),
  ])
  const parts = [
    ...named.map((only, index) => dump(`data-${index + 1}.dump.zst`, 'data', { content: 'data', only })),
    dump(`data-${named.length + 1}.dump.zst`, 'data', { content: 'data', except: named.flat() }),
  ]
  const work = [schema, ...parts]
  // The first failure ends the other programs; all of them have ended before anybody cleans up.
  for (const one of work) one.catch(() => stop.abort())
  const outcomes = await Promise.allSettled(work)
  const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
  if (failures.length > 0) throw firstCause(failures, ports.signal)
  const [schemaObject, schemaFingerprint] = await schema
  return { objects: [schemaObject, ...(await Promise.all(parts))], schemaFingerprint }
}

/** The failure itself, not the interruption of the others that followed from it. */
function firstCause(failures: unknown[], signal: AbortSignal): unknown {
  const isInterruption = (error: unknown) => error instanceof EmrError && error.code === 'INTERRUPTED'
  return (signal.aborted ? undefined : failures.find((error) => !isInterruption(error))) ?? failures[0]
}
