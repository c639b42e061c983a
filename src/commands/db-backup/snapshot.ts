import { BaseCommand } from '../../lib/cli/base-command.ts'
import { annotateFlag } from '../../lib/cli/db-backup/flags.ts'
import { environmentArg, environmentFlag } from '../../lib/cli/flags.ts'

export default class DbBackupSnapshot extends BaseCommand {
  static override summary = 'Make an RDS snapshot of the database instance'
  static override description =
    `The whole instance, by RDS itself; with backup.snapshotCopy in the configuration also an encrypted copy in another
region. Nothing but RDS can restore it.

Exit codes: 0 available, 2 usage, 3 configuration, 4 preflight, 5 RDS could not make it, 130 interrupted.`
  static override examples = [
    '<%= config.bin %> db-backup snapshot production',
    '<%= config.bin %> db-backup snapshot production --annotate ticket=OPS-1234',
  ]
  static override args = { environment: environmentArg }
  static override flags = { environment: environmentFlag, annotate: annotateFlag }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(DbBackupSnapshot)
    const { runSnapshot } = await import('../../lib/cli/db-backup/snapshot.ts')
    return this.report(await runSnapshot({ ...flags, argument: args.environment }, this.context))
  }
}
