import { Flags } from '@oclif/core'
import { BaseCommand } from '../lib/cli/base-command.ts'
import { environmentArg, environmentFlag } from '../lib/cli/flags.ts'

export default class Kubeconfig extends BaseCommand {
  static override summary = 'Write a kubeconfig for an environment'
  static override description =
    `Writes .emr/kubeconfig/ENVIRONMENT.yaml, which holds no secret: kubectl asks the AWS CLI for
a token each time. Your own kubeconfig changes only with --merge: it keeps its other entries, its
comments and its current context, and a copy of the file as it was stands beside it (.before-emr).

Exit codes: 0 written, 2 usage, 3 configuration, 4 no such cluster or no access to AWS.`
  static override examples = [
    '<%= config.bin %> kubeconfig development',
    '<%= config.bin %> kubeconfig production --merge',
  ]
  static override args = { environment: environmentArg }
  static override flags = {
    environment: environmentFlag,
    merge: Flags.boolean({
      summary: 'add it to KUBECONFIG, or to ~/.kube/config (default: a file of its own)',
    }),
  }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Kubeconfig)
    const { runKubeconfig } = await import('../lib/cli/kubeconfig.ts')
    return this.report(await runKubeconfig({ ...flags, argument: args.environment }, this.context))
  }
}
