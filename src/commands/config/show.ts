import { Args } from '@oclif/core'
import { BaseCommand } from '../../lib/cli/base-command.ts'

export default class ConfigShow extends BaseCommand {
  static override summary = 'Show each setting and where it comes from'
  static override description =
    'An origin is a line of the configuration file, an environment variable that takes its place, or "default".'
  static override examples = [
    '<%= config.bin %> config show',
    '<%= config.bin %> config show production --json',
  ]
  static override args = { environment: Args.string({ description: 'only this environment (default: all)' }) }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(ConfigShow)
    const { showConfig } = await import('../../lib/cli/config.ts')
    return this.report(await showConfig(flags.config, args.environment))
  }
}
