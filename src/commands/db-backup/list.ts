import { BaseCommand } from '../../lib/cli/base-command.ts'
import { environmentArg, environmentFlag } from '../../lib/cli/flags.ts'

export default class DbBackupList extends BaseCommand {
  static override summary = 'List the backups as chains'
  static override description =
    `Shows for each chain what can be restored, and what in the store is no backup.

Exit codes: 0 done, 2 usage, 3 configuration, 4 or 5 the store cannot be read.`
  static override examples = [
    '<%= config.bin %> db-backup list -e sandbox',
    '<%= config.bin %> db-backup list production --json',
  ]
  static override args = { environment: environmentArg }
  static override flags = { environment: environmentFlag }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(DbBackupList)
    const { runList } = await import('../../lib/cli/db-backup/catalog.ts')
    return this.report(await runList({ ...flags, argument: args.environment }, this.context))
  }
}
