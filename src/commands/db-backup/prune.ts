import { Flags } from '@oclif/core'
import { BaseCommand } from '../../lib/cli/base-command.ts'
import { consentFlags } from '../../lib/cli/db-backup/flags.ts'
import { durationFlag, environmentArg, environmentFlag } from '../../lib/cli/flags.ts'

export default class DbBackupPrune extends BaseCommand {
  static override summary = 'Delete backups that nobody needs any more'
  static override description =
    `Says what may go, and deletes it with --apply. Every moment of the time to keep stays restorable, chains go whole, and
the newest good chain always stays.

Exit codes: 0 done, 2 usage, 3 configuration, 4 or 5 the store failed, 8 another run is under way, 130 interrupted.`
  static override examples = [
    '<%= config.bin %> db-backup prune -e sandbox',
    '<%= config.bin %> db-backup prune production --apply --confirm production',
  ]
  static override args = { environment: environmentArg }
  static override flags = {
    environment: environmentFlag,
    apply: Flags.boolean({ summary: 'delete, in place of only saying what would be deleted' }),
    keep: durationFlag({
      summary: 'time to keep, for example 30d (default: from the configuration, 30d)',
      helpValue: 'DURATION',
    }),
    ...consentFlags,
  }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(DbBackupPrune)
    const { runPrune } = await import('../../lib/cli/db-backup/catalog.ts')
    return this.report(await runPrune({ ...flags, argument: args.environment }, this.context))
  }
}
