import { Flags } from '@oclif/core'
import { BaseCommand } from '../lib/cli/base-command.ts'
import { durationFlag, environmentFlag, targetArgs } from '../lib/cli/flags.ts'

export default class Logs extends BaseCommand {
  static override summary = 'Read or follow the logs of services'
  static override description =
    `Reads the logs of all pods of an environment, or of one service. With --follow, each line comes once and in the order
of its container, over restarts, rotation and lost connections; restarts and new pods are marked. What is likely data
of a patient is masked; --unmasked shows it and is recorded in the audit log.

Exit codes: 0 done, 2 usage, 3 configuration, 4 cluster or log group out of reach, 130 interrupted.`
  static override examples = [
    '<%= config.bin %> logs sandbox',
    '<%= config.bin %> logs production task-service --follow --since 10m',
    '<%= config.bin %> logs production api-gateway --previous',
    '<%= config.bin %> logs staging --grep "error|fatal" --tail 500',
    '<%= config.bin %> logs production --source rds --since 1h',
  ]
  static override strict = false
  static override args = targetArgs
  static override flags = {
    environment: environmentFlag,
    follow: Flags.boolean({ char: 'f', summary: 'go on as lines are written' }),
    previous: Flags.boolean({
      char: 'p',
      summary: 'of the run before the last restart',
      exclusive: ['follow'],
    }),
    since: durationFlag({ summary: 'only lines of the last, for example 10m', helpValue: 'DURATION' }),
    tail: Flags.integer({
      summary: 'last lines of each container; -1 for all (default: 100)',
      helpValue: 'N',
      min: -1,
    }),
    container: Flags.string({ char: 'c', summary: 'only this container (default: all)', helpValue: 'NAME' }),
    grep: Flags.string({ summary: 'only lines that match this regular expression', helpValue: 'PATTERN' }),
    source: Flags.string({
      summary: 'where from: the pods, or a log group of CloudWatch',
      options: ['pods', 'eks', 'application', 'rds', 'vpc-flow'],
      default: 'pods',
    }),
    unmasked: Flags.boolean({ summary: 'show likely patient data; recorded in the audit log' }),
    output: Flags.string({
      summary: 'text, or one JSON object for each line',
      options: ['text', 'ndjson'],
      default: 'text',
    }),
  }

  async run(): Promise<unknown> {
    const { argv, flags } = await this.parse(Logs)
    const { runLogs } = await import('../lib/cli/logs.ts')
    return this.report(await runLogs({ ...flags, words: argv.map(String) }, this.context))
  }
}
