import type { DeploymentFacts } from '../rollout/facts.ts'
import { isComplete } from '../rollout/judge.ts'

/**
 * How a Deployment fares.
 * @param problem one of its pods has a problem that waiting will not mend
 * @param starting new pods of it, which may not be available yet: it is scaled up
 */
export function replicaState(
  deployment: DeploymentFacts,
  problem: boolean,
  starting: number,
): 'ready' | 'rolling out' | 'degraded' | 'idle' {
  if (problem || deployment.deadlineExceeded !== undefined) return 'degraded'
  if (deployment.desired === 0) return 'idle'
  if (isComplete(deployment)) return 'ready'
  const { observedGeneration, generation, updated, total, desired, available, wasComplete } = deployment
  const settled = observedGeneration >= generation && updated >= desired && total <= updated
  return settled && wasComplete && available + starting < desired ? 'degraded' : 'rolling out'
}
