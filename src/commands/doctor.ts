import { BaseCommand } from '../lib/cli/base-command.ts'
import { environmentArg, environmentFlag } from '../lib/cli/flags.ts'

export default class Doctor extends BaseCommand {
  static override summary = 'Check everything that a deploy needs'
  static override description =
    `Looks at tools and their versions, the configuration, AWS credentials and account, the
cluster, the rights in it, and the namespace; names for each problem the command that mends it, and changes nothing.

Exit codes: 0 a deploy can work, 2 usage, 3 configuration, 4 a deploy could not work.`
  static override examples = [
    '<%= config.bin %> doctor sandbox',
    '<%= config.bin %> doctor production --json',
  ]
  static override args = { environment: environmentArg }
  static override flags = { environment: environmentFlag }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Doctor)
    const { runDoctor } = await import('../lib/cli/doctor.ts')
    return this.report(await runDoctor({ ...flags, argument: args.environment }, this.context))
  }
}
