import { createHash } from 'node:crypto'
import { access } from 'node:fs/promises'
import type { ListrTask } from 'listr2'
import type { Diagnostic } from '../../adapters/terraform/events.ts'
import type { PlanMode } from '../../adapters/terraform/terraform.ts'
import { losses } from '../../domain/terraform/guard.ts'
import {
  classify,
  classifyDrift,
  classifyOutputs,
  planText,
  type TerraformPlan,
} from '../../domain/terraform/plan.ts'
import { countActions, groupChanges } from '../../domain/terraform/summary.ts'
import { EmrError, ExitCode } from '../../errors.ts'
import { checkOffers } from './offers.ts'
import { assertReady } from './preflight.ts'
import type { InfrastructurePlan, InfrastructurePorts } from './types.ts'

/** The tasks that end in a plan, and the plan once they were run. They change nothing but the workspace's existence. */
export function planTasks(
  ports: InfrastructurePorts,
  mode: PlanMode,
): { tasks: ListrTask[]; plan: () => InfrastructurePlan } {
  const { terraform, planFile, signal } = ports
  let shown: TerraformPlan = { resources: [], drift: [], outputs: [] }
  let plan: InfrastructurePlan | undefined
  const tasks: ListrTask[] = [
    {
      title: 'Check the AWS account and the state',
      task: () => Promise.all([assertFiles(ports), assertReady(ports)]),
    },
    { title: 'Prepare Terraform', task: () => initialise(ports) },
    {
      title: 'Plan the infrastructure',
      task: async (_context, task) => {
        const planned = await terraform.plan(planFile, mode, { signal })
        shown = await terraform.show(planFile, { signal })
        assertRegion(ports, shown)
        plan = readPlan(ports, mode, shown, planned)
        task.title = `Plan the infrastructure: ${plan.fingerprint}`
      },
    },
    {
      title: 'Ask AWS for its versions and quotas',
      enabled: mode === 'apply',
      task: async () => {
        Object.assign(plan as InfrastructurePlan, { checks: await checkOffers(ports, shown.resources) })
      },
    },
  ]
  return { tasks, plan: () => plan as InfrastructurePlan }
}

/** Binds terraform to the environment's state. */
export async function initialise({ terraform, signal }: InfrastructurePorts): Promise<void> {
  await terraform.init({ signal })
  await terraform.selectWorkspace({ signal })
}

async function assertFiles({ environment }: InfrastructurePorts): Promise<void> {
  const { folder, varFile } = environment.infrastructure
  for (const [path, setting] of [
    [folder, 'folder'],
    [varFile, 'varFile'],
  ] as const) {
    await access(path).catch(() => {
      throw new EmrError(`${path} does not exist`, {
        code: 'TERRAFORM_FILE_MISSING',
        exitCode: ExitCode.preflight,
        suggestions: [
          `set environments.${environment.name}.terraform.${setting} in emr.config.yaml`,
          `or leave the infrastructure alone: emr deploy ${environment.name} --skip-infra`,
        ],
      })
    })
  }
}

/** Everything else of emr, the state included, looks for the environment where its configuration says. */
function assertRegion({ environment }: InfrastructurePorts, { region }: TerraformPlan): void {
  const { aws, infrastructure, name } = environment
  if (region === undefined || region === aws.region) return
  throw new EmrError(
    `${infrastructure.varFile} puts ${name} in ${region}, but its configuration says ${aws.region}`,
    {
      code: 'REGION_MISMATCH',
      exitCode: ExitCode.preflight,
      suggestions: [`set aws_region = "${aws.region}" there, or environments.${name}.aws.region: ${region}`],
    },
  )
}

function readPlan(
  { environment }: InfrastructurePorts,
  mode: PlanMode,
  { resources, drift, outputs }: TerraformPlan,
  { warnings, changes: applicable }: { warnings: Diagnostic[]; changes: boolean },
): InfrastructurePlan {
  const { workspace } = environment.infrastructure
  const changes = classify(resources)
  const lost = new Set(losses(changes).map(({ address }) => address))
  const goes = resources.filter(({ address }) => lost.has(address))
  const text = planText(mode === 'refresh-only' ? drift : resources, outputs)
  const facts = [environment.name, workspace, mode, text]
  return {
    environment: environment.name,
    workspace,
    mode,
    fingerprint: createHash('sha256').update(facts.join('\n')).digest('hex').slice(0, 12),
    applicable,
    counts: countActions(changes),
    groups: groupChanges(changes),
    changes,
    outputChanges: classifyOutputs(outputs),
    drift: classifyDrift(drift),
    deletionProtected: goes
      .filter(({ before }) => before.deletion_protection === true)
      .map(({ address }) => address),
    databases: goes
      .filter(({ type }) => type === 'aws_db_instance')
      .map(({ address, before }) => ({ address, instance: String(before.identifier) })),
    checks: [],
    warnings: warnings.map(({ detail, summary }) => detail || summary),
  }
}
