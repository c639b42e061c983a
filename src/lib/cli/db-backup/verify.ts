import { StoredObjectCheck } from '../../adapters/postgres/object-check.ts'
import { findPrograms } from '../../adapters/postgres/programs.ts'
import { ExitCode } from '../../errors.ts'
import { verifyView } from '../../output/backup-view.ts'
import { stdoutTheme } from '../../output/theme.ts'
import { prepareRestore } from '../../workflows/backup/restore.ts'
import { type VerifyResult, verify } from '../../workflows/backup/verify.ts'
import type { CommandContext, Report } from '../base-command.ts'
import type { TransferFlags } from './create.ts'
import { databaseConnection } from './database.ts'
import { throughJob } from './job.ts'
import { scratchOf } from './restore.ts'
import { metered, openBackupSession } from './session.ts'

export interface VerifyFlags extends TransferFlags {
  backup: string[] | undefined
  decode: boolean
  restore: boolean
}

/** `emr db-backup verify`: exit 1 when a backup cannot be restored. */
export async function runVerify(flags: VerifyFlags, context: CommandContext): Promise<Report<VerifyResult>> {
  const session = await openBackupSession(flags, context, { database: Boolean(flags.restore) })
  const { catalog, environment, runner, signal, settings } = session
  const view = (result: VerifyResult) => verifyView(result, stdoutTheme)
  const there = await throughJob(session, 'verify', flags, view)
  if (there) return there
  const startedAt = Date.now()
  const content = await catalog.read()
  const major = Math.max(0, ...content.manifests.map(({ serverMajor }) => serverMajor))
  const programs = flags.decode ? await findPrograms(runner, major) : undefined
  const server = flags.restore ? await databaseConnection(session, signal) : undefined
  const title = `Verify the backups of ${environment.name}`
  const maxRate = flags['max-rate'] ?? settings.maxRate
  const found = await metered(title, session, maxRate, async (meter, transfer) => {
    const check = new StoredObjectCheck(catalog, programs, transfer)
    const outcome = await verify(content, flags.backup, check, { progress: meter, signal })
    if (server && outcome.ok) {
      const plan = await prepareRestore(catalog, flags.backup?.at(-1))
      await scratchOf(session, server, { ...flags, 'no-owner': false }, meter, transfer)(plan)
    }
    return outcome
  })
  const result = { environment: environment.name, ...found, durationMs: Date.now() - startedAt }
  return {
    document: result,
    text: view(result),
    exitCode: result.ok ? ExitCode.ok : ExitCode.failed,
  }
}
