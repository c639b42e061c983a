import { BaseCommand } from '../lib/cli/base-command.ts'
import { environmentArg, environmentFlag } from '../lib/cli/flags.ts'

export default class Outputs extends BaseCommand {
  static override summary = 'Show the outputs of the infrastructure'
  static override description =
    `Reads the endpoints, names and ARNs of an environment from its Terraform state. The values
of sensitive outputs are not shown.

Exit codes: 0 shown, 1 never applied, 2 usage, 3 configuration, 4 preflight, 5 Terraform failed.`
  static override examples = [
    '<%= config.bin %> outputs development',
    '<%= config.bin %> outputs production --json',
  ]
  static override args = { environment: environmentArg }
  static override flags = { environment: environmentFlag }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Outputs)
    const { runOutputs } = await import('../lib/cli/outputs.ts')
    return this.report(await runOutputs({ ...flags, argument: args.environment }, this.context))
  }
}
