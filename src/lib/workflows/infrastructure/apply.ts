import type { ListrTask } from 'listr2'
import type { TerraformEvent } from '../../adapters/terraform/events.ts'
import type { Output } from '../../adapters/terraform/terraform.ts'
import { formatDuration } from '../../domain/duration.ts'
import { afterChange, InterruptedError } from '../../errors.ts'
import type { InfrastructurePlan, InfrastructurePorts, InfrastructureResult } from './types.ts'

/** Terraform repeats itself every ten seconds for each resource that is under way; once a minute is enough. */
const REPEAT_S = 60

/** The tasks that carry out a plan, and what came of it once they were run. */
export function applyTasks(
  ports: InfrastructurePorts,
  plan: InfrastructurePlan,
): { tasks: ListrTask[]; result: () => InfrastructureResult } {
  const { terraform, signal, now } = ports
  const startedAt = now()
  const outcome = isEmpty(plan) ? ('unchanged' as const) : ('applied' as const)
  let outputs: Record<string, Output> = {}
  const tasks: ListrTask[] = [
    {
      title: 'Apply the plan',
      enabled: outcome === 'applied',
      task: async (_context, task) => {
        const progress = new Progress(stepsOf(plan))
        const onEvent = (event: TerraformEvent) => {
          const line = progress.line(event)
          if (line !== undefined) task.output = line
        }
        try {
          await afterChange('the apply had begun', () => terraform.apply(ports.planFile, { signal, onEvent }))
        } catch (error) {
          throw error instanceof InterruptedError ? progress.interrupted(plan) : error
        }
        const steps = stepsOf(plan) === 0 ? '' : `: ${progress.text()}`
        task.title = `Apply the plan${steps} in ${formatDuration(now() - startedAt)}`
      },
    },
    {
      title: 'Read the outputs',
      enabled: plan.mode !== 'destroy',
      task: async () => {
        const read = () => terraform.output({ signal })
        outputs = masked(
          outcome === 'applied' ? await afterChange('the plan was applied', read) : await read(),
        )
      },
    },
  ]
  const { environment, mode, fingerprint, counts } = plan
  const changedOutputs = plan.outputChanges.length
  const result = () => ({
    ...{ environment, mode, outcome, fingerprint, counts, changedOutputs, outputs },
    durationMs: now() - startedAt,
  })
  return { tasks, result }
}

/** True where there is nothing to do, neither to a resource nor to the state. */
export function isEmpty({ applicable }: Pick<InfrastructurePlan, 'applicable'>): boolean {
  return !applicable
}

/** What Terraform reports as it is done: a replacement is two steps; what only the state notes is none. */
function stepsOf({ counts }: InfrastructurePlan): number {
  return counts.create + counts.update + counts.delete + 2 * counts.replace
}

/** Outputs as they may be shown: a sensitive one keeps its name alone. */
export function masked(outputs: Record<string, Output>): Record<string, Output> {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { value, sensitive }]) => [
      name,
      { value: sensitive ? null : value, sensitive },
    ]),
  )
}

/** Counts steps as they are done. */
class Progress {
  #done = 0
  readonly #total: number
  readonly #underWay = new Set<string>()

  constructor(total: number) {
    this.#total = total
  }

  /** What is worth a line in the log. */
  line(event: TerraformEvent): string | undefined {
    if (event.kind === 'diagnostic' || event.kind === 'planned') return undefined
    const { kind, address, action, seconds } = event
    const time = formatDuration(seconds * 1000)
    if (kind === 'started') this.#underWay.add(address)
    if (kind === 'running' && seconds % REPEAT_S === 0) return `${address} ${action} since ${time}`
    if (kind === 'done' || kind === 'failed') this.#underWay.delete(address)
    if (kind === 'failed') return `${address} ${action} failed after ${time}`
    if (kind !== 'done') return undefined
    this.#done += 1
    return `${this.text()}  ${address} ${action} ${time}`
  }

  text(): string {
    return `${this.#done} of ${this.#total}`
  }

  /** Terraform has ended by itself: whatever was under way was finished or given up, and is in the state. */
  interrupted({ environment, mode }: InfrastructurePlan): InterruptedError {
    const half = [...this.#underWay]
    const open = half.length === 0 ? '' : ` Given up halfway: ${half.join(', ')}.`
    return new InterruptedError(
      `Interrupted: ${this.text()} changes are applied, the state is written and unlocked.${open} The rest is done by: emr ${mode === 'destroy' ? 'destroy' : 'deploy'} ${environment}`,
      { applied: this.#done, total: this.#total, halfway: half },
    )
  }
}
