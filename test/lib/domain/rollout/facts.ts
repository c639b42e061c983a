import type {
  ContainerFacts,
  DeploymentFacts,
  EventFacts,
  PodFacts,
} from '../../../../src/lib/domain/rollout/facts.ts'
import type { RolloutFacts } from '../../../../src/lib/domain/rollout/judge.ts'

export const thresholds = {
  timeout: 900_000,
  imagePull: 180_000,
  containerConfig: 30_000,
  unschedulable: 60_000,
  scaleUp: 600_000,
  podCreation: 30_000,
  restarts: 3,
}

export function container(facts: Partial<ContainerFacts> = {}): ContainerFacts {
  return { name: 'app', init: false, image: 'app:v2', ready: false, restarts: 0, running: false, ...facts }
}

export function pod(name: string, facts: Partial<PodFacts> = {}): PodFacts {
  return {
    uid: `uid-${name}`,
    name,
    owner: 'rs',
    createdAt: 0,
    node: 'node-1',
    phase: 'Pending',
    ready: false,
    deleting: false,
    containers: [container()],
    ...facts,
  }
}

export const healthy = (name: string) =>
  pod(name, { ready: true, phase: 'Running', containers: [container({ ready: true, running: true })] })

export function event(about: string, facts: Partial<EventFacts>): EventFacts {
  return {
    uid: `event-${about}-${facts.reason}`,
    about,
    kind: 'Pod',
    name: about,
    type: 'Warning',
    reason: '',
    message: '',
    at: 0,
    count: 1,
    ...facts,
  }
}

/** A roll-out in the middle: two replicas wanted, none of them available yet. */
export function rollout(
  pods: PodFacts[],
  facts: Partial<RolloutFacts> = {},
  deployment: Partial<DeploymentFacts> = {},
): RolloutFacts {
  return {
    deployment: {
      uid: 'deployment',
      name: 'task-service',
      generation: 2,
      observedGeneration: 2,
      revision: '2',
      paused: false,
      desired: 2,
      updated: pods.length,
      available: pods.filter((each) => each.ready).length,
      total: pods.length,
      wasComplete: false,
      ...deployment,
    },
    replicaSet: { uid: 'rs', name: 'task-service-abc', owner: 'deployment', revision: '2' },
    pods,
    old: 0,
    events: [],
    ...facts,
  }
}
