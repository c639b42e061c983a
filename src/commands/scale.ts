import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../lib/cli/base-command.ts'
import { environmentArg, environmentFlag, operationFlags } from '../lib/cli/flags.ts'

export default class Scale extends BaseCommand {
  static override summary = 'Change how many pods one service has'
  static override description =
    `Sets the number of pods of one service and follows them until they are ready. Where an autoscaler decides about it, its
minimum is set (and the pods that are missing started at once), because it would take a scaled Deployment back. It is on
record, and stands until the next deploy or emr set of the service, which say so before they take it back.

Exit codes: 0 scaled and ready, 2 usage, 3 configuration, 4 preflight, 7 the new pods fail, 8 locked, 130 interrupted.`
  static override examples = [
    '<%= config.bin %> scale production api-gateway 5 --confirm production',
    '<%= config.bin %> scale sandbox task-service 3',
  ]
  static override strict = false
  static override args = {
    environment: environmentArg,
    service: Args.string({ description: 'the service' }),
    replicas: Args.string({ description: 'number of pods' }),
  }
  static override flags = {
    environment: environmentFlag,
    'dry-run': Flags.boolean({ summary: 'show what would change, and change nothing' }),
    ...operationFlags,
  }

  async run(): Promise<unknown> {
    const { argv, flags } = await this.parse(Scale)
    const { runScale } = await import('../lib/cli/change-pods.ts')
    return this.report(await runScale({ ...flags, words: argv.map(String) }, this.context))
  }
}
