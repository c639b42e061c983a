import type { KubernetesObject } from '../../adapters/kubernetes/types.ts'
import { withNames } from '../../domain/diagnosis/advice.ts'
import { RESUME } from '../../domain/rollout/findings.ts'
import type { ReleasePorts } from './change-service.ts'
import type { Warning } from './types.ts'

export function isPaused(object: KubernetesObject): boolean {
  const { spec } = object as { spec?: { paused?: boolean } }
  return object.kind === 'Deployment' && spec?.paused === true
}

/** That nothing changes the pods of a Deployment before its rollout is resumed, and what to type for that. */
export function pausedWarning(
  deployment: string,
  ports: Pick<ReleasePorts, 'environment' | 'kubectl'>,
): Warning {
  const { advice } = withNames({ object: { name: deployment }, advice: RESUME }, ports)
  return { message: `the rollout of ${deployment} is paused`, suggestions: [`resume it: ${advice}`] }
}

/** One warning for each of the Deployments whose rollout is paused. */
export async function pausedWarnings(
  ports: Pick<ReleasePorts, 'environment' | 'kubectl' | 'workloads' | 'signal'>,
  deployments: string[],
): Promise<Warning[]> {
  const found = await Promise.all(
    deployments.map(async (name) => ((await ports.workloads.isPaused(name, ports.signal)) ? [name] : [])),
  )
  return found.flat().map((name) => pausedWarning(name, ports))
}
