import { Flags } from '@oclif/core'
import { BaseCommand } from '../lib/cli/base-command.ts'
import { durationFlag, environmentArg, environmentFlag } from '../lib/cli/flags.ts'

export default class Deploy extends BaseCommand {
  static override summary = 'Deploy infrastructure and services of an environment'
  static override description =
    `Plans the infrastructure with Terraform, shows what would change, asks, and applies
exactly that plan; then compares the charts with what runs, deploys what differs wave by wave, and follows the pods
until they are ready. A plan that deletes or replaces a database, a bucket, a key or a cluster is refused unless
--allow-destroy names its address. A roll-out that cannot succeed is given up within seconds, with the reason, the events and
the last log lines.

Exit codes: 0 deployed or nothing to change, 2 usage, 3 configuration, 4 preflight, 5 a tool failed, 6 failed and
rolled back, 7 failed and not rolled back, 8 the environment or the Terraform state is locked, 9 timed out, 10 changes
found (--dry-run --detailed-exitcode), 130 interrupted.`
  static override examples = [
    '<%= config.bin %> deploy sandbox',
    '<%= config.bin %> deploy production --skip-infra --tag v1.4.2 --confirm production',
    '<%= config.bin %> deploy staging --skip-infra --services task-service,sync-service --tag sync-service=v1.5.0 --yes',
    '<%= config.bin %> deploy production --skip-infra --resume --confirm production',
    '<%= config.bin %> deploy production --skip-infra --dry-run --detailed-exitcode',
    '<%= config.bin %> deploy production --skip-services --dry-run',
    '<%= config.bin %> deploy production --skip-services --approve 3f9c51d20a7e',
  ]
  static override args = { environment: environmentArg }
  static override flags = {
    environment: environmentFlag,
    services: Flags.string({
      summary: 'only these services (default: all)',
      multiple: true,
      delimiter: ',',
      helpValue: 'A,B',
    }),
    tag: Flags.string({
      summary:
        'image tag, for all services or for one (default: the one that runs, else the chart’s appVersion)',
      multiple: true,
      helpValue: 'TAG|SERVICE=TAG',
    }),
    'skip-infra': Flags.boolean({ summary: 'leave the infrastructure alone', exclusive: ['skip-services'] }),
    'skip-services': Flags.boolean({ summary: 'leave the services alone' }),
    'dry-run': Flags.boolean({ summary: 'show what would change, field by field, and change nothing' }),
    'detailed-exitcode': Flags.boolean({
      summary: 'with --dry-run: exit 10 when something would change',
      dependsOn: ['dry-run'],
    }),
    'refresh-only': Flags.boolean({
      summary:
        'only write to the state what was changed outside Terraform; with --dry-run only look, and exit 10 when anything was',
      exclusive: ['skip-infra'],
    }),
    approve: Flags.string({
      summary: 'apply the infrastructure only if its plan still has the fingerprint that a dry run printed',
      helpValue: 'FINGERPRINT',
      exclusive: ['skip-infra'],
    }),
    'auto-approve': Flags.boolean({
      summary:
        'apply the infrastructure’s plan without a question; refused where the environment is protected',
      exclusive: ['skip-infra', 'approve'],
    }),
    'allow-destroy': Flags.string({
      summary: 'this resource, which holds data, may be deleted or replaced; can be repeated',
      helpValue: 'ADDRESS',
      multiple: true,
      exclusive: ['skip-infra'],
    }),
    concurrency: Flags.integer({
      summary: 'services deployed at the same time (default: from the configuration, 4)',
      helpValue: 'N',
      min: 1,
      max: 32,
    }),
    timeout: durationFlag({
      summary: 'limit of the whole deploy, for example 10m (default: from the configuration, 15m)',
      min: 1_000,
      helpValue: 'DURATION',
    }),
    'wait-lock': durationFlag({
      summary: 'how long to wait for another operation on the environment to end (default: not at all)',
      helpValue: 'DURATION',
    }),
    'skip-smoke-tests': Flags.boolean({
      summary: 'do not run the smoke tests; the release set then does not count as good',
    }),
    rollback: Flags.boolean({
      summary: 'go back to the last good release set when the deploy fails (default: yes)',
      allowNo: true,
      default: true,
    }),
    resume: Flags.boolean({
      summary: 'take up the deploy that was cut off or interrupted, with what it was asked to do',
      exclusive: ['services', 'tag'],
    }),
    yes: Flags.boolean({ char: 'y', summary: 'answer yes where the environment is not protected' }),
    confirm: Flags.string({ summary: 'name of the environment, in place of typing it', helpValue: 'NAME' }),
  }

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Deploy)
    const { runDeploy } = await import('../lib/cli/deploy.ts')
    return this.report(await runDeploy({ ...flags, argument: args.environment }, this.context))
  }
}
