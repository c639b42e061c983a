import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../lib/cli/base-command.ts'
import { environmentArg, environmentFlag, operationFlags } from '../lib/cli/flags.ts'

export default class Restart extends BaseCommand {
  static override summary = 'Restart the pods of one service'
  static override description =
    `Replaces all pods of one service, a few at a time and without an outage, as kubectl rollout restart does; follows
them until they are ready, and is on record. The release stays as it is.

Exit codes: 0 restarted and ready, 2 usage, 3 configuration, 4 preflight, 7 the new pods fail, 8 locked, 130 interrupted.`
  static override examples = ['<%= config.bin %> restart production task-service --confirm production']
  static override strict = false
  static override args = {
    environment: environmentArg,
    service: Args.string({ description: 'the service' }),
  }
  static override flags = {
    environment: environmentFlag,
    'dry-run': Flags.boolean({ summary: 'show what would change, and change nothing' }),
    ...operationFlags,
  }

  async run(): Promise<unknown> {
    const { argv, flags } = await this.parse(Restart)
    const { runRestart } = await import('../lib/cli/change-pods.ts')
    return this.report(await runRestart({ ...flags, words: argv.map(String) }, this.context))
  }
}
