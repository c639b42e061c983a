import type { CatalogContent } from '../../adapters/store/catalog.ts'
import { chainsOf } from '../../domain/backup/chain.ts'
import { type BackupManifest, type BackupObject, storedBytes } from '../../domain/backup/manifest.ts'
import { EmrError, ExitCode, messageOf } from '../../errors.ts'
import { noBackup } from './no-backup.ts'
import type { Progress } from './ports.ts'

interface VerifiedBackup {
  id: string
  ok: boolean
  problems: string[]
}

export interface VerifyResult {
  environment: string
  ok: boolean
  backups: VerifiedBackup[]
  bytes: number
  durationMs: number
}

/** How an object is checked; made by adapters. */
export interface ObjectCheck {
  /** Reads all of it, and throws unless size and hash are right. With --decode also what is in it. */
  check(backup: BackupManifest, object: BackupObject): Promise<void>
}

/**
 * Reads every object of the backups and says what is wrong with each.
 * @param only ids to verify; undefined for all
 * @throws {EmrError} BACKUP_UNKNOWN (exit 2), NO_BACKUP (exit 1), or what kept it from reading: that is no verdict
 */
export async function verify(
  { manifests, damaged }: CatalogContent,
  only: readonly string[] | undefined,
  objects: ObjectCheck,
  run: { progress: Progress; signal: AbortSignal },
): Promise<Pick<VerifyResult, 'ok' | 'backups' | 'bytes'>> {
  const isWanted = ({ id }: { id: string }) => only === undefined || only.includes(id)
  const known = [...manifests, ...damaged].map(({ id }) => id)
  refuseUnknown(known, only)
  if (known.length === 0) throw noBackup('verify')
  const wanted = manifests.filter(isWanted).sort((a, b) => a.id.localeCompare(b.id))
  const bytes = wanted.reduce((sum, manifest) => sum + storedBytes(manifest), 0)
  run.progress.total(bytes)
  const { orphans } = chainsOf(manifests)
  const backups: VerifiedBackup[] = damaged
    .filter(isWanted)
    .map(({ id, problem }) => ({ id, ok: false, problems: [`its manifest is damaged: ${problem}`] }))
  for (const manifest of wanted) {
    run.progress.step(`Verify ${manifest.id}`)
    const problems = orphans.some(({ id }) => id === manifest.id)
      ? ['the backup that it goes on from is missing']
      : []
    for (const object of manifest.objects) {
      run.signal.throwIfAborted()
      const problem = await problemOf(() => objects.check(manifest, object), run.signal)
      if (problem !== undefined) problems.push(problem)
    }
    backups.push({ id: manifest.id, ok: problems.length === 0, problems })
  }
  return { ok: backups.every(({ ok }) => ok), backups, bytes }
}

/**
 * Whether an error speaks against the backup itself. Of a store that cannot be reached nothing is learned about it, nor of a
 * program that was killed or could not be started.
 */
function isVerdict({ code, details }: EmrError): boolean {
  if (code === 'TOOL_FAILED') return Number(details.exitCode) > 0
  return code === 'BACKUP_DAMAGED' || code === 'STORE_OBJECT_MISSING'
}

async function problemOf(check: () => Promise<void>, signal: AbortSignal): Promise<string | undefined> {
  try {
    await check()
    return undefined
  } catch (error) {
    if (signal.aborted || !(error instanceof EmrError) || !isVerdict(error)) throw error
    return messageOf(error)
  }
}

function refuseUnknown(known: readonly string[], wanted: readonly string[] | undefined): void {
  const unknown = wanted?.find((id) => !known.includes(id))
  if (unknown === undefined) return
  throw new EmrError(`There is no backup '${unknown}' in the store`, {
    code: 'BACKUP_UNKNOWN',
    exitCode: ExitCode.usage,
    suggestions: ['emr db-backup list'],
  })
}
