import { BaseCommand } from '../../lib/cli/base-command.ts'
import { createFlags } from '../../lib/cli/db-backup/flags.ts'
import { environmentArg } from '../../lib/cli/flags.ts'

export default class DbBackupFull extends BaseCommand {
  static override summary = 'Back up the whole database'
  static override description =
    `Reads one moment of the database in parallel and begins a new chain: incrementals go on from it. The first run sets up
a publication and event triggers. The backup counts only once it is complete.

Exit codes: 0 done, 2 usage, 3 configuration, 4 preflight, 5 a tool, the server or the store failed, 8 another run is
under way, 130 interrupted.`
  static override examples = [
    '<%= config.bin %> db-backup full -e sandbox',
    '<%= config.bin %> db-backup full production --annotate ticket=OPS-1234 --max-rate 50MB',
  ]
  static override args = { environment: environmentArg }
  static override flags = createFlags

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(DbBackupFull)
    const { createBackup } = await import('../../lib/cli/db-backup/create.ts')
    return this.report(await createBackup('full', { ...flags, argument: args.environment }, this.context))
  }
}
