import { BaseCommand } from '../../lib/cli/base-command.ts'
import { createFlags, noOwnerFlag } from '../../lib/cli/db-backup/flags.ts'
import { environmentArg } from '../../lib/cli/flags.ts'

export default class DbBackupDrill extends BaseCommand {
  static override summary = 'Prove that the backups restore'
  static override description =
    `Holds a moment of the source, takes an incremental beyond it, restores that very moment into a database of its own,
compares every row of every table, and drops the database. RPO and RTO are recorded in the store.

Exit codes: 0 equal, 1 a table differs or a backup is damaged, 2 usage, 3 configuration, 4 preflight, 5 a tool, the
server or the store failed, 8 another run is under way, 130 interrupted.`
  static override examples = ['<%= config.bin %> db-backup drill -e sandbox']
  static override args = { environment: environmentArg }
  static override flags = { ...createFlags, 'no-owner': noOwnerFlag }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(DbBackupDrill)
    const { runDrill } = await import('../../lib/cli/db-backup/restore.ts')
    return this.report(await runDrill({ ...flags, argument: args.environment }, this.context))
  }
}
