import { Flags } from '@oclif/core'
import { BaseCommand } from '../lib/cli/base-command.ts'
import { environmentArg, environmentFlag } from '../lib/cli/flags.ts'

export default class Bootstrap extends BaseCommand {
  static override summary = 'Make the state bucket and lock table of Terraform'
  static override description =
    `Makes the S3 bucket (versioned, encrypted, closed to the public, TLS only) and the DynamoDB
table (point-in-time recovery) that hold and lock an environment's Terraform state. What is there already is left as it
is, and what is there but open is closed; running it again changes nothing.

Exit codes: 0 all is there, 2 usage, 3 configuration, 4 AWS refuses, 130 interrupted.`
  static override examples = [
    '<%= config.bin %> bootstrap development --yes',
    '<%= config.bin %> bootstrap production --dry-run',
    '<%= config.bin %> bootstrap production --confirm production',
  ]
  static override args = { environment: environmentArg }
  static override flags = {
    environment: environmentFlag,
    'dry-run': Flags.boolean({ summary: 'show what is missing, and change nothing' }),
    yes: Flags.boolean({ char: 'y', summary: 'answer yes where the environment is not protected' }),
    confirm: Flags.string({ summary: 'name of the environment, in place of typing it', helpValue: 'NAME' }),
  }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Bootstrap)
    const { runBootstrap } = await import('../lib/cli/bootstrap.ts')
    return this.report(await runBootstrap({ ...flags, argument: args.environment }, this.context))
  }
}
