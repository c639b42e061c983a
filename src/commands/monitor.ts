import { Flags } from '@oclif/core'
import { BaseCommand } from '../lib/cli/base-command.ts'
import { durationFlag, environmentArg, environmentFlag } from '../lib/cli/flags.ts'

export default class Monitor extends BaseCommand {
  static override summary = 'Show how an environment is, once or live'
  static override description =
    `One picture: services, pods that are not well with the reason, pods that no Service or Ingress leads to, nodes, recent
warnings and, on AWS, the database, the figures that the alarms watch, and the alarms that are not OK. With --watch it is
live: in a terminal a dashboard (? shows its keys; none changes anything), elsewhere one timestamped line for each change.

Exit codes: 0 healthy, 1 not, or still rolling out, 2 usage, 3 configuration, 4 something could not be evaluated,
9 --until was not met in time, 130 interrupted.`
  static override examples = [
    '<%= config.bin %> monitor sandbox --watch',
    '<%= config.bin %> monitor production --json',
    '<%= config.bin %> monitor staging --until healthy --timeout 10m',
    '<%= config.bin %> monitor production --watch --output ndjson',
  ]
  static override args = { environment: environmentArg }
  static override flags = {
    environment: environmentFlag,
    watch: Flags.boolean({ char: 'w', summary: 'go on, and show each change' }),
    until: Flags.string({ summary: 'watch until the environment is so', options: ['healthy'] }),
    timeout: durationFlag({
      summary: 'with --until, the longest wait (default: 10m)',
      helpValue: 'DURATION',
      dependsOn: ['until'],
    }),
    plain: Flags.boolean({ summary: 'lines instead of the dashboard, in a terminal too' }),
    output: Flags.string({
      summary: 'text, or one JSON object for each change',
      options: ['text', 'ndjson'],
      default: 'text',
    }),
  }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Monitor)
    const { runMonitor } = await import('../lib/cli/monitor.ts')
    return this.report(await runMonitor({ ...flags, argument: args.environment }, this.context))
  }
}
