import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../lib/cli/base-command.ts'
import { durationFlag, environmentFlag } from '../lib/cli/flags.ts'

export default class Rollback extends BaseCommand {
  static override summary = 'Bring services back to the last good state'
  static override description =
    `Goes back to the newest release set that was proven good. Where that is what runs already, steps back to the good
state before it: a second rollback goes further back, never forward to what the first one left. All services go together, in
reverse waves, and only those that differ are touched. Shows the difference first, follows the pods as a deploy does, runs
the smoke tests, and records itself. Services that came after the set stay, and are named.

Exit codes: 0 back and healthy, or nothing to go back from, 2 usage, 3 configuration, 4 nothing to go back to, or the cluster
is out of reach, 5 a tool or the API server failed before anything was changed, 7 failed, also where its time was over,
8 locked, 130 interrupted.`
  static override examples = [
    '<%= config.bin %> rollback production all --confirm production',
    '<%= config.bin %> rollback production api-gateway --confirm production',
    '<%= config.bin %> rollback sandbox task-service --revision 3',
    '<%= config.bin %> rollback staging all --to 20260314T031500Z --dry-run',
  ]
  static override usage = 'rollback [ENVIRONMENT] all|SERVICE... [FLAGS]'
  static override strict = false
  static override args = {
    environment: Args.string({
      description: 'environment to work on (default: EMR_ENVIRONMENT, then defaultEnvironment)',
    }),
    services: Args.string({ description: 'all, or the services to bring back' }),
  }
  static override flags = {
    environment: environmentFlag,
    to: Flags.string({
      summary: 'release set to go back to, by its id or the beginning of it (default: the last good one)',
      helpValue: 'SET',
      exclusive: ['revision'],
    }),
    revision: Flags.integer({ summary: 'revision to go back to, of one service', helpValue: 'N', min: 1 }),
    namespace: Flags.string({
      char: 'n',
      summary: 'namespace (default: that of the environment)',
      helpValue: 'NAME',
    }),
    'dry-run': Flags.boolean({ summary: 'show what would change, field by field, and change nothing' }),
    concurrency: Flags.integer({
      summary: 'services brought back at the same time (default: all of a wave)',
      helpValue: 'N',
      min: 1,
      max: 32,
    }),
    timeout: durationFlag({
      summary: 'limit of the whole rollback, for example 10m (default: from the configuration, 15m)',
      min: 1_000,
      helpValue: 'DURATION',
    }),
    'wait-lock': durationFlag({
      summary: 'how long to wait for another operation on the environment to end (default: not at all)',
      helpValue: 'DURATION',
    }),
    'skip-smoke-tests': Flags.boolean({ summary: 'do not run the smoke tests afterwards' }),
    yes: Flags.boolean({ char: 'y', summary: 'answer yes where the environment is not protected' }),
    confirm: Flags.string({ summary: 'name of the environment, in place of typing it', helpValue: 'NAME' }),
  }

  async run(): Promise<unknown> {
    const { argv, flags } = await this.parse(Rollback)
    const { runRollback } = await import('../lib/cli/rollback.ts')
    return this.report(await runRollback({ ...flags, words: argv.map(String) }, this.context))
  }
}
