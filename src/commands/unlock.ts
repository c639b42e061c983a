import { BaseCommand } from '../lib/cli/base-command.ts'
import { environmentArg, environmentFlag } from '../lib/cli/flags.ts'

export default class Unlock extends BaseCommand {
  static override summary = 'Lift the freeze of an environment'
  static override description =
    `Undoes emr lock. The lock of an operation that runs is not touched, and one whose process was killed needs no unlocking:
the next operation takes it over.

Exit codes: 0 open, 2 usage, 3 configuration, 4 preflight.`
  static override examples = ['<%= config.bin %> unlock production']
  static override args = { environment: environmentArg }
  static override flags = { environment: environmentFlag }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Unlock)
    const { unfreeze } = await import('../lib/cli/freeze.ts')
    return this.report(await unfreeze({ ...flags, argument: args.environment }, this.context))
  }
}
