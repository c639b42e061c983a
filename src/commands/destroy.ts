import { Flags } from '@oclif/core'
import { BaseCommand } from '../lib/cli/base-command.ts'
import { environmentArg, environmentFlag } from '../lib/cli/flags.ts'

export default class Destroy extends BaseCommand {
  static override summary = 'Destroy the infrastructure of an environment'
  static override description =
    `Shows everything that Terraform would destroy, and destroys it only when --confirm names
the environment; a protected environment also wants the fingerprint of the plan that was shown. What AWS protects from
deletion is named, with how to give it up.

Exit codes: 0 shown or destroyed, 2 usage, 3 configuration, 4 preflight or protected from deletion, 5 Terraform failed,
8 the state is locked, 130 interrupted.`
  static override examples = [
    '<%= config.bin %> destroy development',
    '<%= config.bin %> destroy development --confirm development',
    '<%= config.bin %> destroy production --confirm production --approve 3f9c51d20a7e',
  ]
  static override args = { environment: environmentArg }
  static override flags = {
    environment: environmentFlag,
    confirm: Flags.string({ summary: 'destroy it: the name of the environment', helpValue: 'NAME' }),
    approve: Flags.string({
      summary: 'destroy only if the plan still has the fingerprint that was shown',
      helpValue: 'FINGERPRINT',
      dependsOn: ['confirm'],
    }),
  }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Destroy)
    const { runDestroy } = await import('../lib/cli/destroy.ts')
    return this.report(await runDestroy({ ...flags, argument: args.environment }, this.context))
  }
}
