import { BaseCommand } from '../../lib/cli/base-command.ts'

export default class SandboxReset extends BaseCommand {
  static override summary = 'Stop the sandbox and remove everything in it'
  static override description = `The next start is a new, empty cluster.`
  static override examples = ['<%= config.bin %> sandbox reset']

  async run(): Promise<unknown> {
    const { flags } = await this.parse(SandboxReset)
    const { reset } = await import('../../lib/cli/sandbox.ts')
    return this.report(await reset(flags.config))
  }
}
