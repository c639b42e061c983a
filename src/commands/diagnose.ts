import { BaseCommand } from '../lib/cli/base-command.ts'
import { environmentFlag, targetArgs } from '../lib/cli/flags.ts'

export default class Diagnose extends BaseCommand {
  static override summary = 'Say what is wrong in an environment, and why'
  static override description =
    `Reads pods, controllers, networking, nodes and, on AWS, the database and alarms, and applies the rules that a deploy
judges roll-outs by. The cause comes first, with its evidence and what to do; what it brings about stands below it.
What may not be read is named as not evaluated. Changes nothing.

Exit codes: 0 healthy, 1 something is wrong, 2 usage, 3 configuration, 4 something could not be evaluated.`
  static override examples = [
    '<%= config.bin %> diagnose sandbox',
    '<%= config.bin %> diagnose production task-service',
    '<%= config.bin %> diagnose production --json',
  ]
  static override strict = false
  static override args = targetArgs
  static override flags = { environment: environmentFlag }

  async run(): Promise<unknown> {
    const { argv, flags } = await this.parse(Diagnose)
    const { runDiagnose } = await import('../lib/cli/diagnose.ts')
    return this.report(await runDiagnose({ ...flags, words: argv.map(String) }, this.context))
  }
}
