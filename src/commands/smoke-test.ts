import { Flags } from '@oclif/core'
import { BaseCommand } from '../lib/cli/base-command.ts'
import { environmentArg, environmentFlag } from '../lib/cli/flags.ts'

export default class SmokeTest extends BaseCommand {
  static override summary = 'Ask an environment whether it works'
  static override description =
    `Runs the tests of smoke-tests.yaml: HTTP from outside and through the API server, connections from inside the pods.
A deploy runs them as its last phase. A test that passes only at a later try is reported as flaky, and passes.

Exit codes: 0 all passed, 1 a test failed, 2 usage, 3 configuration or the file of tests, 4 cluster out of reach.`
  static override examples = [
    '<%= config.bin %> smoke-test sandbox',
    '<%= config.bin %> smoke-test production --junit reports/smoke.xml',
    '<%= config.bin %> smoke-test staging --tag health --json',
  ]
  static override args = { environment: environmentArg }
  static override flags = {
    environment: environmentFlag,
    file: Flags.string({
      summary: 'file of tests (default: the one that the configuration names, smoke-tests.yaml)',
      helpValue: 'FILE',
    }),
    tag: Flags.string({
      summary: 'only tests with this tag (default: all)',
      multiple: true,
      delimiter: ',',
      helpValue: 'TAG',
    }),
    junit: Flags.string({ summary: 'write the results as JUnit XML too', helpValue: 'FILE' }),
  }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(SmokeTest)
    const { runSmokeTest } = await import('../lib/cli/smoke-test.ts')
    return this.report(await runSmokeTest({ ...flags, argument: args.environment }, this.context))
  }
}
