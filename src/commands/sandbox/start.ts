import { BaseCommand } from '../../lib/cli/base-command.ts'

export default class SandboxStart extends BaseCommand {
  static override summary = 'Start the embedded sandbox'
  static override description =
    `A simulated Kubernetes cluster on this machine that the real helm and kubectl work on. It runs as a process of its own
until it is stopped or has been idle for an hour; what is in it survives. Finds the one that runs.`
  static override examples = ['<%= config.bin %> sandbox start']

  async run(): Promise<unknown> {
    const { flags } = await this.parse(SandboxStart)
    const { start } = await import('../../lib/cli/sandbox.ts')
    return this.report(await start(flags.config, this.context))
  }
}
