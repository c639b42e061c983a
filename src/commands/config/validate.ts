import { BaseCommand } from '../../lib/cli/base-command.ts'

export default class ConfigValidate extends BaseCommand {
  static override summary = 'Check the configuration file'
  static override description =
    'Reports every problem at once, with file, line and the nearest valid key, names charts and values files that are missing, and checks the file of smoke tests. Exits 3 when there is one.'
  static override examples = ['<%= config.bin %> config validate']

  async run(): Promise<unknown> {
    const { flags } = await this.parse(ConfigValidate)
    const { validateConfig } = await import('../../lib/cli/config.ts')
    return this.report(await validateConfig(flags.config))
  }
}
