import { Flags } from '@oclif/core'
import { BaseCommand } from '../../lib/cli/base-command.ts'
import { consentFlags, noOwnerFlag, transferFlags } from '../../lib/cli/db-backup/flags.ts'
import { environmentArg } from '../../lib/cli/flags.ts'

export default class DbBackupRestore extends BaseCommand {
  static override summary = 'Restore a backup into an empty database'
  static override description =
    `Restores the newest full backup that the moment needs, then replays the incrementals up to that moment. The database
is made where it does not exist; one that has something in it is refused. A restore that was stopped while it replayed,
or later, goes on where it was when the same command is typed again.

Exit codes: 0 done, 1 a backup is damaged or there is none, 2 usage or a moment that no chain reaches, 3 configuration,
4 preflight (a target that is not empty among others), 5 a tool, the server or the store failed,
8 another restore into the same database is under way, 130 interrupted.`
  static override examples = [
    '<%= config.bin %> db-backup restore -e sandbox --target restored',
    '<%= config.bin %> db-backup restore production --target emr_restored --to 2026-03-14T03:15:00Z --confirm production',
    '<%= config.bin %> db-backup restore production --target-environment staging --target emr_copy --no-owner --yes',
  ]
  static override args = { environment: environmentArg }
  static override flags = {
    ...transferFlags,
    target: Flags.string({ summary: 'database to restore into', required: true, helpValue: 'NAME' }),
    'target-environment': Flags.string({
      summary: 'environment whose database server gets it (default: the same)',
      helpValue: 'NAME',
    }),
    to: Flags.string({
      summary: 'moment to restore: a time with its zone, an LSN or a backup (default: the last one)',
      helpValue: 'TIME|LSN|ID',
    }),
    'no-owner': noOwnerFlag,
    ...consentFlags,
  }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(DbBackupRestore)
    const { runRestore } = await import('../../lib/cli/db-backup/restore.ts')
    return this.report(await runRestore({ ...flags, argument: args.environment }, this.context))
  }
}
