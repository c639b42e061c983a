import { Flags } from '@oclif/core'
import { BaseCommand } from '../lib/cli/base-command.ts'
import { environmentArg, environmentFlag } from '../lib/cli/flags.ts'

export default class History extends BaseCommand {
  static override summary = 'Show what was deployed, by whom, and how it ended'
  static override description =
    `Lists the release sets of an environment, newest first, with the services that each of them changed; a good set is one
whose smoke tests passed. With --verify, checks that nobody has changed or removed an entry of the audit log.

Exit codes: 0 shown, 1 the audit log was tampered with, 2 usage, 3 configuration, 4 cluster out of reach.`
  static override examples = [
    '<%= config.bin %> history production',
    '<%= config.bin %> history production --verify',
    '<%= config.bin %> history staging --limit 50 --json',
  ]
  static override args = { environment: environmentArg }
  static override flags = {
    environment: environmentFlag,
    limit: Flags.integer({ summary: 'most sets to show (default: 20)', default: 20, helpValue: 'N', min: 1 }),
    verify: Flags.boolean({ summary: 'check the chain of the audit log' }),
  }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(History)
    const { runHistory } = await import('../lib/cli/history.ts')
    return this.report(await runHistory({ ...flags, argument: args.environment }, this.context))
  }
}
