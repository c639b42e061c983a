import type { ChangeSummary } from '../../adapters/postgres/changes.ts'
import type { Mark } from '../../adapters/postgres/mark.ts'
import { type Chain, chainsOf, tipOf } from '../../domain/backup/chain.ts'
import { chainBreak } from '../../domain/backup/continuity.ts'
import type { BackupManifest, IncrementalManifest } from '../../domain/backup/manifest.ts'
import { afterChange } from '../../errors.ts'
import { fullBackup, publish } from './full.ts'
import type { BackupPorts, BackupRequest } from './ports.ts'

/**
 * What was committed since the last backup of the newest chain; a full one where no chain can go on.
 * @returns the manifest that was written; of a full one, `reason` says why it is one
 */
export async function incrementalBackup(ports: BackupPorts, request: BackupRequest): Promise<BackupManifest> {
  const { catalog, source, progress, signal } = ports
  progress.step('Find the chain to go on from')
  const { chains } = chainsOf((await catalog.read()).manifests)
  const chain = chains.at(-1)
  if (!chain) return fullBackup(ports, request, 'there was no full backup to go on from')
  const tip = tipOf(chain)
  // The end before the questions: what they say then holds for all that was committed before it.
  progress.step('Mark the end')
  const mark = await source.mark(ports.id)
  const broken = chainBreak(tip, await source.state(tip.slot, signal), mark.lsn)
  if (broken !== undefined) return fullBackup(ports, request, broken)
  // A full run that was killed after it had made its slot, or before it dropped the old one, left one too many.
  await source.dropSlotsExcept(ports.slotPrefix, tip.slot)
  try {
    return await segment(ports, request, { chain, tip, mark })
  } catch (error) {
    if (!isChainEnd(error)) throw error
    return fullBackup(ports, request, error.message)
  }
}

async function segment(
  ports: BackupPorts,
  request: BackupRequest,
  { chain, tip, mark }: { chain: Chain; tip: BackupManifest; mark: Mark },
): Promise<IncrementalManifest> {
  const { catalog, source, progress, id, signal } = ports
  const startedAt = new Date(ports.now()).toISOString()
  progress.step('Read the changes')
  const name = 'changes.zst'
  const changes = source.changes({ slot: tip.slot, tip, mark }, signal)
  const summary = summaryOf(changes)
  try {
    const stored = await ports.store(catalog.keyOf(id, name), ports.compress(summary.stream))
    const { end, ...counts } = summary.value()
    progress.step('Write the manifest')
    signal.throwIfAborted()
    const manifest: IncrementalManifest = {
      format: 1,
      kind: 'incremental',
      id,
      environment: ports.environment,
      chain: chain.full.id,
      parent: tip.id,
      // What RDS did not say this time stays known.
      database: { ...tip.database, ...source.facts.database },
      serverMajor: source.facts.serverMajor,
      slot: tip.slot,
      start: tip.end,
      end,
      startedAt,
      finishedAt: new Date(ports.now()).toISOString(),
      schemaFingerprint: tip.schemaFingerprint,
      objects: [{ name, content: 'segment', ...stored }],
      annotations: request.annotations,
      sequences: mark.sequences,
      populatedViews: mark.populatedViews,
      ...counts,
    }
    await publish(ports, manifest)
    // Only now may the server forget: were it told before, a failure here would lose what was committed.
    await afterChange(`the backup ${id} is complete and counts`, () => source.advance(tip.slot, end.lsn))
    return manifest
  } catch (error) {
    await catalog.discard(id).catch(() => {})
    throw error
  }
}

/** A generator as a plain stream, with its value kept for later. */
function summaryOf(changes: AsyncGenerator<Buffer, ChangeSummary>) {
  let value: ChangeSummary | undefined
  async function* stream(): AsyncGenerator<Buffer> {
    value = yield* changes
  }
  return {
    stream: stream(),
    value: (): ChangeSummary => {
      if (!value) throw new Error('the changes were not read to their end')
      return value
    },
  }
}

function isChainEnd(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ChainEndedError'
}
