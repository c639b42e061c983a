import type {
  AutoscalerFacts,
  Condition,
  IngressFacts,
  NodeFacts,
  ServiceFacts,
  WorkloadFacts,
} from '../../../../src/lib/domain/diagnosis/facts.ts'

export function condition(type: string, status: string, reason: string): Condition {
  return { type, status, reason, message: reason, since: 0 }
}

export function deployment(facts: Partial<WorkloadFacts> = {}): WorkloadFacts {
  return {
    uid: 'deployment',
    name: 'app',
    service: 'app',
    generation: 1,
    observedGeneration: 1,
    revision: '1',
    paused: false,
    desired: 2,
    updated: 2,
    available: 2,
    total: 2,
    labels: { app: 'app' },
    ports: ['http'],
    memoryLimits: { app: 100 },
    ...facts,
  }
}

export function service(facts: Partial<ServiceFacts> = {}): ServiceFacts {
  return {
    uid: 'service',
    name: 'app',
    service: 'app',
    selector: { app: 'app' },
    ports: [{ name: 'http', port: 80, target: 'http' }],
    ...facts,
  }
}

export function ingress(facts: Partial<IngressFacts> = {}): IngressFacts {
  return {
    uid: 'ing',
    name: 'app',
    createdAt: 0,
    addresses: ['lb'],
    backends: [{ service: 'app', port: 'http' }],
    ...facts,
  }
}

export function autoscaler(facts: Partial<AutoscalerFacts> = {}): AutoscalerFacts {
  return {
    uid: 'h',
    name: 'app',
    target: 'app',
    min: 2,
    max: 5,
    current: 2,
    desired: 2,
    metrics: [],
    conditions: [],
    ...facts,
  }
}

export function node(facts: Partial<NodeFacts> = {}): NodeFacts {
  return {
    uid: 'n1',
    name: 'n1',
    ready: true,
    schedulable: true,
    conditions: [],
    cpu: 16,
    memory: 64e9,
    version: 'v1.30.0',
    createdAt: 0,
    ...facts,
  }
}
