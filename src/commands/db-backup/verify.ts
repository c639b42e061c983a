import { Flags } from '@oclif/core'
import { BaseCommand } from '../../lib/cli/base-command.ts'
import { transferFlags } from '../../lib/cli/db-backup/flags.ts'
import { environmentArg } from '../../lib/cli/flags.ts'

export default class DbBackupVerify extends BaseCommand {
  static override summary = 'Read the backups and check that they are whole'
  static override description = `Reads every object and compares size and SHA-256 with the manifest.

Exit codes: 0 all good, 1 a backup cannot be restored, 2 usage, 3 configuration, 4 preflight, 5 the store failed.`
  static override examples = [
    '<%= config.bin %> db-backup verify -e sandbox',
    '<%= config.bin %> db-backup verify production --backup 20260314T031500Z-9f2c --decode',
  ]
  static override args = { environment: environmentArg }
  static override flags = {
    ...transferFlags,
    backup: Flags.string({ summary: 'only this one; may be repeated', multiple: true, helpValue: 'ID' }),
    decode: Flags.boolean({ summary: 'also unpack everything and read each archive to its end' }),
    restore: Flags.boolean({ summary: 'also restore the last one into a database that is dropped again' }),
  }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(DbBackupVerify)
    const { runVerify } = await import('../../lib/cli/db-backup/verify.ts')
    return this.report(await runVerify({ ...flags, argument: args.environment }, this.context))
  }
}
