import { type RecordedState, unexplainedVersions, unfinishedOperations } from '../release/unfinished.ts'
import type { DeploymentFacts } from '../rollout/facts.ts'
import type { Finding } from './catalogue.ts'
import type { EnvironmentFacts, RecordFacts } from './facts.ts'

/**
 * The records beside what runs: the one place that all commands take it from.
 * @param environment its name, for commands to type
 */
export function recordedState(
  environment: string,
  services: string[],
  records: RecordFacts,
  deployments: Pick<DeploymentFacts, 'service' | 'name' | 'version'>[],
): RecordedState {
  const running = deployments.map(({ service, name, version }) => [service ?? name, version])
  return { environment, services, ...records, running: Object.fromEntries(running) }
}

/** Operations that nothing has resolved, versions that nothing explains, and records that cannot be read. */
export function recordFindings(
  { records, deployments }: Partial<EnvironmentFacts>,
  services: string[],
): Finding[] {
  if (records === undefined || deployments === undefined) return []
  const state = recordedState('ENV', services, records, deployments)
  const unfinished = unfinishedOperations(state).map((operation): Finding => {
    const { id, message, resolve, startedAt } = operation
    return {
      code: 'OPERATION_UNFINISHED',
      object: { kind: 'Operation', name: id, uid: id },
      reason: operation.state,
      message,
      at: Date.parse(startedAt),
      advice: resolve.join(', or '),
    }
  })
  const unexplained = unexplainedVersions(state).map(({ service, message }): Finding => {
    return {
      code: 'VERSION_UNEXPLAINED',
      object: { kind: 'Deployment', name: service, uid: service },
      service,
      reason: 'unexplained version',
      message,
      advice:
        'emr history ENV; to bring it under a record again: emr deploy ENV --services SERVICE --tag TAG',
    }
  })
  const damaged = records.damaged.map((name): Finding => {
    return {
      code: 'RECORD_DAMAGED',
      object: { kind: 'ConfigMap', name, uid: name },
      reason: 'damaged',
      message: `ConfigMap/${name} holds no record that emr can read`,
      advice: 'kubectl get configmap NAME --output yaml; restore it, or delete it',
    }
  })
  return [...unfinished, ...damaged, ...unexplained]
}
