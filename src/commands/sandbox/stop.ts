import { BaseCommand } from '../../lib/cli/base-command.ts'

export default class SandboxStop extends BaseCommand {
  static override summary = 'Stop the sandbox; what is in it stays'
  static override description = `The next start goes on where this one ended, at the same addresses.`
  static override examples = ['<%= config.bin %> sandbox stop']

  async run(): Promise<unknown> {
    const { flags } = await this.parse(SandboxStop)
    const { stop } = await import('../../lib/cli/sandbox.ts')
    return this.report(await stop(flags.config))
  }
}
