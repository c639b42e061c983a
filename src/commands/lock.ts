import { Flags } from '@oclif/core'
import { BaseCommand } from '../lib/cli/base-command.ts'
import { environmentArg, environmentFlag } from '../lib/cli/flags.ts'

export default class Lock extends BaseCommand {
  static override summary = 'Freeze an environment: nobody deploys to it'
  static override description =
    `Refuses every deploy and rollback from now on, with the reason, until emr unlock. An operation that runs already goes
on to its end. An environment that is frozen already keeps its freeze: the reason and who gave it are named.

Exit codes: 0 frozen, 2 usage, 3 configuration, 4 preflight,
8 frozen already.`
  static override examples = ['<%= config.bin %> lock production --reason "quarter-end close"']
  static override args = { environment: environmentArg }
  static override flags = {
    environment: environmentFlag,
    reason: Flags.string({
      summary: 'why; everybody who is refused reads it',
      required: true,
      helpValue: 'TEXT',
    }),
  }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Lock)
    const { freeze } = await import('../lib/cli/freeze.ts')
    return this.report(await freeze({ ...flags, argument: args.environment }, this.context))
  }
}
