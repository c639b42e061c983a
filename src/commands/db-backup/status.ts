import { BaseCommand } from '../../lib/cli/base-command.ts'
import { viaFlag } from '../../lib/cli/db-backup/flags.ts'
import { environmentArg, environmentFlag } from '../../lib/cli/flags.ts'

export default class DbBackupStatus extends BaseCommand {
  static override summary = 'Show whether the backups are in order'
  static override description =
    `Age of the last good backup, the replication slot and the log that the server keeps for it, publication and event
triggers. The thresholds are those of backup.alarm in the configuration.

Exit codes: 0 in order, 1 something is beyond its threshold, 2 usage, 3 configuration, 4 or 5 it could not be read.`
  static override examples = [
    '<%= config.bin %> db-backup status -e sandbox',
    '<%= config.bin %> db-backup status production --json',
  ]
  static override args = { environment: environmentArg }
  static override flags = { environment: environmentFlag, via: viaFlag }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(DbBackupStatus)
    const { runStatus } = await import('../../lib/cli/db-backup/catalog.ts')
    return this.report(await runStatus({ ...flags, argument: args.environment }, this.context))
  }
}
