import type { DeploymentFacts } from '../rollout/facts.ts'
import { isComplete } from '../rollout/judge.ts'

/** How a Deployment fares. @param problem one of its pods has a problem that waiting will not mend */
export function replicaState(
  deployment: DeploymentFacts,
  problem: boolean,
): 'ready' | 'rolling out' | 'degraded' | 'idle' {
  if (problem || deployment.deadlineExceeded !== undefined) return 'degraded'
  if (deployment.desired === 0) return 'idle'
  if (isComplete(deployment)) return 'ready'
  const settled =
    deployment.observedGeneration >= deployment.generation && deployment.total <= deployment.updated
  return settled && deployment.wasComplete ? 'degraded' : 'rolling out'
}
