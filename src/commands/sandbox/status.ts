import { BaseCommand } from '../../lib/cli/base-command.ts'

export default class SandboxStatus extends BaseCommand {
  static override summary = 'Show whether the sandbox runs, and how to reach it'
  static override description =
    `With --json: kubeconfig, context, addresses of the API and of the ingress, process id, paths of helm and kubectl.`
  static override examples = ['<%= config.bin %> sandbox status', '<%= config.bin %> sandbox status --json']

  async run(): Promise<unknown> {
    const { flags } = await this.parse(SandboxStatus)
    const { status } = await import('../../lib/cli/sandbox.ts')
    return this.report(await status(flags.config, this.context))
  }
}
