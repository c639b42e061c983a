import { BaseCommand } from '../../lib/cli/base-command.ts'
import { createFlags } from '../../lib/cli/db-backup/flags.ts'
import { environmentArg } from '../../lib/cli/flags.ts'

export default class DbBackupIncremental extends BaseCommand {
  static override summary = 'Back up what changed since the last backup'
  static override description =
    `Reads the changes that were committed since the last backup of the chain. Where no chain can go on (the schema
changed, the slot was lost, the server is another one) it says why and makes a full backup.

Exit codes: 0 done, 2 usage, 3 configuration, 4 preflight, 5 a tool, the server or the store failed, 8 another run is
under way, 130 interrupted.`
  static override examples = [
    '<%= config.bin %> db-backup incremental -e sandbox',
    '<%= config.bin %> db-backup incremental production --json',
  ]
  static override args = { environment: environmentArg }
  static override flags = createFlags

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(DbBackupIncremental)
    const { createBackup } = await import('../../lib/cli/db-backup/create.ts')
    return this.report(
      await createBackup('incremental', { ...flags, argument: args.environment }, this.context),
    )
  }
}
