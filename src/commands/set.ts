import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../lib/cli/base-command.ts'
import { environmentArg, environmentFlag, operationFlags } from '../lib/cli/flags.ts'

export default class SetValues extends BaseCommand {
  static override summary = 'Change values of one service that runs'
  static override description =
    `A helm upgrade that keeps every other value of the release (--reuse-values): shows the difference field by field,
asks, follows the pods, runs the smoke tests, goes back when it fails, and is on record like a deploy. The next deploy
takes the values files again. Values are on record: never set a secret.

Exit codes: those of emr deploy.`
  static override examples = [
    '<%= config.bin %> set production api-gateway config.rateLimit.max=200 --confirm production',
    '<%= config.bin %> set sandbox task-service config.cache.ttlSeconds=30 --dry-run',
  ]
  static override strict = false
  static override args = {
    environment: environmentArg,
    service: Args.string({ description: 'the service' }),
    settings: Args.string({ description: 'KEY=VALUE, as helm --set takes them; several' }),
  }
  static override flags = {
    environment: environmentFlag,
    'dry-run': Flags.boolean({ summary: 'show what would change, field by field, and change nothing' }),
    'skip-smoke-tests': Flags.boolean({
      summary: 'do not run the smoke tests; the release set then does not count as good',
    }),
    rollback: Flags.boolean({
      summary: 'go back to the last good release set when it fails (default: yes)',
      allowNo: true,
      default: true,
    }),
    ...operationFlags,
  }

  async run(): Promise<unknown> {
    const { argv, flags } = await this.parse(SetValues)
    const { runSet } = await import('../lib/cli/set.ts')
    return this.report(await runSet({ ...flags, words: argv.map(String) }, this.context))
  }
}
