import { describe, expect, test } from 'vitest'
import { CATALOGUE, type Finding } from '../../../../src/lib/domain/diagnosis/catalogue.ts'
import { databaseCause } from '../../../../src/lib/domain/diagnosis/database.ts'
import { evaluate, rank } from '../../../../src/lib/domain/diagnosis/evaluate.ts'
import type { EnvironmentFacts } from '../../../../src/lib/domain/diagnosis/facts.ts'
import type { ContainerFacts, PodFacts, Terminated } from '../../../../src/lib/domain/rollout/facts.ts'
import { container, event, healthy, pod, thresholds } from '../rollout/facts.ts'
import { autoscaler, condition, databaseNetwork, deployment, ingress, node, rule, service } from './facts.ts'

const HOUR = 3_600_000
const NOW = 10 * HOUR

type Facts = Partial<EnvironmentFacts>

function codes(facts: Facts): string[] {
  return evaluate(facts, thresholds, NOW, facts.deployments ? ['app'] : []).map(({ code }) => code)
}

const ended = (exitCode: number, ago: number, reason = 'Error') => ({
  reason,
  exitCode,
  message: '',
  finishedAt: NOW - ago,
})
const pending = (facts: Partial<PodFacts> = {}) => pod('a', { createdAt: NOW - HOUR, ...facts })
const running = (facts: Partial<PodFacts> = {}) =>
  pod('a', { phase: 'Running', createdAt: NOW - HOUR, containers: [container({ running: true })], ...facts })
const about = (reason: string, message: string, ago = 1_000) =>
  event('uid-a', { reason, message, at: NOW - ago })
const unschedulable = pending({
  node: undefined,
  unscheduled: { reason: 'Unschedulable', message: '0/3 nodes' },
})
const app = deployment()
const svc = service()
const endpoints = (ready: number, notReady = 0) => [{ uid: 'e', name: 'e', of: 'app', ready, notReady }]

interface Case {
  code: string
  case: Facts
  /** Looks like it, and is not. */
  near: Facts
}

const waiting = (reason: string, message: string, more: Partial<ContainerFacts> = {}) =>
  running({ containers: [container({ waiting: { reason, message }, ...more })] })
const crashed = (last: Terminated, more: Partial<ContainerFacts> = {}) =>
  waiting('CrashLoopBackOff', 'back-off 10s', { restarts: 2, last, ...more })
const replicaSets = (failure?: { reason: string; message: string }) => [
  { uid: 'rs', name: 'app-1', owner: 'deployment', revision: '1', ...(failure && { failure }) },
]

const cases: Case[] = [
  {
    code: 'IMAGE_NAME_INVALID',
    case: { pods: [waiting('InvalidImageName', "couldn't parse image name")] },
    near: { pods: [waiting('ErrImagePull', 'manifest unknown')] },
  },
  {
    code: 'IMAGE_NOT_FOUND',
    case: { pods: [waiting('ErrImagePull', 'docker.io/x/app:9: not found')] },
    near: { pods: [waiting('ErrImagePull', 'unauthorized: authentication required')] },
  },
  {
    code: 'IMAGE_PULL_FAILING',
    case: { pods: [waiting('ErrImagePull', 'toomanyrequests: rate exceeded')] },
    near: { pods: [waiting('ContainerCreating', '')] },
  },
  {
    code: 'CONTAINER_CONFIG',
    case: { pods: [waiting('CreateContainerConfigError', 'secret "db" not found')] },
    // A kubelet that has just started says this of every Secret.
    near: { pods: [waiting('CreateContainerConfigError', 'failed to sync secret cache: timed out')] },
  },
  {
    code: 'OUT_OF_MEMORY',
    case: { pods: [crashed(ended(137, 5_000, 'OOMKilled'))] },
    near: { pods: [crashed(ended(137, 5_000))] },
  },
  {
    code: 'INIT_FAILING',
    case: { pods: [crashed(ended(1, 5_000), { init: true })] },
    near: { pods: [waiting('PodInitializing', '', { init: true })] },
  },
  {
    code: 'UNSCHEDULABLE',
    case: { pods: [unschedulable] },
    near: {
      pods: [unschedulable],
      events: [about('TriggeredScaleUp', 'pod triggered scale-up: 2->3 (max: 12)')],
    },
  },
  {
    code: 'POD_REFUSED',
    case: {
      deployments: [app],
      replicaSets: replicaSets({ reason: 'FailedCreate', message: 'exceeded quota: small' }),
    },
    near: { deployments: [app], replicaSets: replicaSets() },
  },
  {
    code: 'ALARM',
    case: { alarms: [{ name: 'cpu', state: 'INSUFFICIENT_DATA', reason: '' }] },
    near: { alarms: [] },
  },

  {
    code: 'CRASH_LOOP',
    case: {
      pods: [running({ containers: [container({ running: true, restarts: 1, last: ended(1, 5_000) })] })],
    },
    near: {
      pods: [
        { ...healthy('a'), containers: [container({ ready: true, restarts: 1, last: ended(1, 5_000) })] },
      ],
    },
  },
  {
    code: 'RESTARTING',
    case: {
      pods: [
        { ...healthy('a'), containers: [container({ ready: true, restarts: 5, last: ended(1, 60_000) })] },
      ],
    },
    near: {
      pods: [
        { ...healthy('a'), containers: [container({ ready: true, restarts: 5, last: ended(1, HOUR) })] },
      ],
    },
  },
  {
    code: 'NODE_GROUP_AT_MAXIMUM',
    case: {
      pods: [unschedulable],
      events: [about('NotTriggerScaleUp', "pod didn't trigger scale-up: 1 max node group size reached")],
    },
    near: {
      pods: [unschedulable],
      events: [about('TriggeredScaleUp', 'pod triggered scale-up: 2->3 (max: 12)')],
    },
  },
  {
    code: 'VOLUME_FAILING',
    case: { pods: [pending()], events: [about('FailedAttachVolume', 'Multi-Attach error for volume')] },
    near: {
      pods: [pending({ createdAt: NOW - 10_000 })],
      events: [about('FailedAttachVolume', 'Multi-Attach error for volume')],
    },
  },
  {
    code: 'SANDBOX_FAILING',
    case: {
      pods: [pending()],
      events: [about('FailedCreatePodSandBox', 'failed to assign an IP address to container')],
    },
    near: {
      pods: [healthy('a')],
      events: [about('FailedCreatePodSandBox', 'failed to assign an IP address', 60_000)],
    },
  },
  {
    code: 'EVICTED',
    case: { pods: [pod('a', { phase: 'Failed', failure: { reason: 'Evicted', message: 'low on memory' } })] },
    near: { pods: [pod('a', { phase: 'Failed', failure: { reason: 'NodeShutdown', message: '' } })] },
  },
  {
    code: 'STUCK_TERMINATING',
    case: { pods: [pod('a', { deleting: true, deleteBy: NOW - 120_000 })] },
    near: { pods: [pod('a', { deleting: true, deleteBy: NOW - 20_000 })] },
  },
  {
    code: 'NOT_READY',
    case: { pods: [running({ readyChangedAt: NOW - 120_000 })], events: [about('Unhealthy', 'HTTP 503')] },
    near: { pods: [running({ readyChangedAt: NOW - 20_000 })], events: [about('Unhealthy', 'HTTP 503')] },
  },
  {
    code: 'NOT_READY',
    case: {
      pods: [running({ readyChangedAt: NOW - 20_000 })],
      events: [{ ...about('Unhealthy', 'Readiness probe failed: 503'), count: 6 }],
    },
    near: {
      pods: [running({ readyChangedAt: NOW - 20_000 })],
      events: [{ ...about('Unhealthy', 'Startup probe failed: 503'), count: 6 }],
    },
  },
  {
    code: 'ROLLOUT_STALLED',
    case: { deployments: [deployment({ deadlineExceeded: 'timed out progressing' })] },
    near: { deployments: [deployment({ updated: 1, available: 1 })] },
  },
  {
    code: 'DEPLOYMENT_GONE',
    case: { deployments: [] },
    near: { deployments: [app] },
  },
  {
    code: 'SCALED_TO_ZERO',
    case: { deployments: [deployment({ desired: 0 })] },
    near: { deployments: [deployment({ desired: 1 })] },
  },
  {
    code: 'ROLLOUT_PAUSED',
    case: { deployments: [deployment({ paused: true })] },
    near: { deployments: [deployment()] },
  },
  {
    code: 'AUTOSCALER_FAILING',
    case: {
      autoscalers: [
        autoscaler({ conditions: [condition('ScalingActive', 'False', 'FailedGetResourceMetric')] }),
      ],
    },
    near: {
      autoscalers: [autoscaler({ conditions: [condition('ScalingActive', 'False', 'ScalingDisabled')] })],
    },
  },
  {
    code: 'AUTOSCALER_AT_MAXIMUM',
    case: {
      autoscalers: [
        autoscaler({ current: 5, conditions: [condition('ScalingLimited', 'True', 'TooManyReplicas')] }),
      ],
    },
    near: {
      autoscalers: [
        autoscaler({ current: 2, conditions: [condition('ScalingLimited', 'True', 'TooFewReplicas')] }),
      ],
    },
  },
  {
    code: 'DISRUPTION_BLOCKED',
    case: { budgets: [{ uid: 'b', name: 'app', allowed: 0, healthy: 2, required: 2, expected: 2 }] },
    near: { budgets: [{ uid: 'b', name: 'app', allowed: 0, healthy: 0, required: 0, expected: 0 }] },
  },
  {
    code: 'VOLUME_CLAIM_PENDING',
    case: { claims: [{ uid: 'c', name: 'data', phase: 'Pending', createdAt: NOW - HOUR }] },
    near: { claims: [{ uid: 'c', name: 'data', phase: 'Pending', createdAt: NOW - 5_000 }] },
  },
  {
    code: 'QUOTA_NEARLY_USED',
    case: { quotas: [{ uid: 'q', name: 'small', resources: [{ name: 'pods', used: 19, hard: 20 }] }] },
    near: { quotas: [{ uid: 'q', name: 'small', resources: [{ name: 'pods', used: 18, hard: 20 }] }] },
  },
  {
    code: 'SECRET_NOT_SYNCED',
    case: {
      externalSecrets: [
        {
          uid: 's',
          name: 'app',
          secret: 'app',
          conditions: [condition('Ready', 'False', 'SecretSyncedError')],
        },
      ],
    },
    near: { externalSecrets: [{ uid: 's', name: 'app', secret: 'app', conditions: [] }] },
  },
  {
    code: 'SELECTOR_MISMATCH',
    case: { services: [service({ selector: { app: 'other' } })], deployments: [app], endpoints: [] },
    // Pods that no Deployment made: of a StatefulSet, or by hand.
    near: {
      services: [service({ selector: { app: 'other' } })],
      deployments: [app],
      endpoints: endpoints(1),
    },
  },
  {
    code: 'PORT_MISMATCH',
    case: {
      services: [service({ ports: [{ port: 80, target: 'web' }] })],
      deployments: [app],
      endpoints: endpoints(0),
    },
    near: {
      services: [service({ ports: [{ port: 80, target: 9999 }] })],
      deployments: [app],
      endpoints: endpoints(2),
    },
  },
  {
    code: 'NO_ENDPOINTS',
    case: { services: [svc], deployments: [app], endpoints: endpoints(0, 2) },
    near: { services: [svc], deployments: [app], endpoints: endpoints(1, 1) },
  },
  {
    code: 'TRAFFIC_DENIED',
    case: {
      deployments: [app],
      policies: [{ uid: 'p', name: 'deny', selector: {}, ingress: true, ingressRules: 0 }],
    },
    near: {
      deployments: [app],
      policies: [
        { uid: 'p', name: 'deny', selector: {}, ingress: true, ingressRules: 0 },
        { uid: 'p2', name: 'allow', selector: { app: 'app' }, ingress: true, ingressRules: 1 },
      ],
    },
  },
  {
    code: 'INGRESS_BACKEND',
    case: { ingresses: [ingress({ backends: [{ service: 'gone', port: 80 }] })], services: [svc] },
    near: { ingresses: [ingress()], services: [svc] },
  },
  {
    code: 'INGRESS_NO_ADDRESS',
    case: { ingresses: [ingress({ addresses: [], createdAt: NOW - HOUR })] },
    near: { ingresses: [ingress({ addresses: [], createdAt: NOW - 60_000 })] },
  },
  {
    code: 'INGRESS_FAILING',
    case: {
      ingresses: [ingress()],
      events: [event('ing', { reason: 'FailedDeployModel', at: NOW - 1_000 })],
    },
    near: {
      ingresses: [ingress()],
      events: [
        event('ing', { reason: 'FailedDeployModel', at: NOW - 2_000 }),
        event('ing', { reason: 'SuccessfullyReconciled', type: 'Normal', at: NOW - 1_000 }),
      ],
    },
  },
  {
    code: 'NODE_NOT_READY',
    case: {
      nodes: [node({ ready: false, conditions: [condition('Ready', 'Unknown', 'NodeStatusUnknown')] })],
    },
    near: { nodes: [node({ ready: false, createdAt: NOW - 30_000, conditions: [] })] },
  },
  {
    code: 'NODE_PRESSURE',
    case: { nodes: [node({ conditions: [condition('DiskPressure', 'True', 'KubeletHasDiskPressure')] })] },
    // The node monitoring agent of EKS adds conditions whose True is good.
    near: { nodes: [node({ conditions: [condition('StorageReady', 'True', 'DiskIsReady')] })] },
  },
  {
    code: 'NODE_BUSY',
    case: { nodes: [node()], nodeUsage: new Map([['n1', { cpu: 15, memory: 1 }]]) },
    near: { nodes: [node()], nodeUsage: new Map([['n1', { cpu: 14, memory: 1 }]]) },
  },
  {
    code: 'DNS_MISSING',
    case: { dns: { available: 0, uid: 'd' } },
    near: { dns: { available: 1, uid: 'd' } },
  },
  {
    code: 'METRICS_MISSING',
    case: { podUsage: undefined },
    near: { podUsage: new Map() },
  },
  {
    code: 'MEMORY_NEARLY_USED',
    case: {
      pods: [{ ...healthy('a'), service: 'app' }],
      deployments: [app],
      podUsage: new Map([['a', new Map([['app', { cpu: 0, memory: 95 }]])]]),
    },
    near: {
      pods: [{ ...healthy('a'), service: 'app' }],
      deployments: [app],
      podUsage: new Map([['a', new Map([['app', { cpu: 0, memory: 60 }]])]]),
    },
  },
  {
    code: 'DATABASE_DOWN',
    case: { databases: [{ id: 'emr', status: 'rebooting' }] },
    near: { databases: [{ id: 'emr', status: 'backing-up' }] },
  },
  {
    code: 'DATABASE_BLOCKED',
    case: { databaseNetwork: databaseNetwork({ ingress: [rule({ groups: ['sg-office'] })] }) },
    near: { databaseNetwork: databaseNetwork() },
  },
  {
    code: 'DATABASE_UNROUTED',
    case: { databaseNetwork: databaseNetwork({ vpc: 'vpc-data' }) },
    near: { databaseNetwork: databaseNetwork() },
  },
  {
    code: 'HOOK_FAILED',
    case: { jobs: [{ uid: 'j', name: 'migrate', succeeded: false, failedPods: 3 }] },
    near: { jobs: [{ uid: 'j', name: 'migrate', succeeded: true, failedPods: 3 }] },
  },
]

test('every rule has its case', () => {
  expect([...new Set(cases.map(({ code }) => code))].sort()).toEqual(Object.keys(CATALOGUE).sort())
})

describe.each(cases)('$code', ({ code, case: facts, near }) => {
  test('fires', () => expect(codes(facts)).toContain(code))
  test('not on what only looks like it', () => expect(codes(near)).not.toContain(code))
})

test('what could not be read is neither wrong nor right', () => {
  expect(codes({})).toEqual([])
})

describe('the cause comes first', () => {
  const first = (facts: Facts) => rank(evaluate(facts, thresholds, NOW))
  test('a crash before the endpoints that it empties', () => {
    const crashing = running({
      service: 'app',
      containers: [
        container({ waiting: { reason: 'CrashLoopBackOff', message: '' }, restarts: 3, last: ended(1, 1) }),
      ],
    })
    const [root, ...others] = first({
      pods: [crashing],
      deployments: [app],
      services: [svc],
      endpoints: endpoints(0, 1),
    })
    expect(root?.code).toBe('CRASH_LOOP')
    expect(root?.effects.map(({ code }) => code)).toEqual(['NO_ENDPOINTS'])
    expect(others).toEqual([])
  })
  test('a dead node before its pods, and not before those of others', () => {
    const dead = node({ ready: false, conditions: [condition('Ready', 'Unknown', 'NodeStatusUnknown')] })
    const there = running({ node: 'n1', readyChangedAt: NOW - HOUR / 2 })
    const elsewhere = pod('b', {
      ...running({ node: 'n2', readyChangedAt: NOW - HOUR / 2 }),
      uid: 'b',
      service: 'x',
    })
    const found = first({ nodes: [dead], pods: [there, elsewhere] })
    expect(found.map(({ code }) => code)).toEqual(['NODE_NOT_READY', 'NOT_READY'])
  })
  test('missing metrics before the autoscalers that need them', () => {
    const found = first({
      podUsage: undefined,
      autoscalers: [
        autoscaler({ conditions: [condition('ScalingActive', 'False', 'FailedGetResourceMetric')] }),
      ],
    })
    expect(found.map(({ code, effects }) => [code, effects.length])).toEqual([['METRICS_MISSING', 1]])
  })
  test('a database that is down before the services that it refuses, and not before other crashes', () => {
    const crash = (service: string, line: string) => ({
      code: 'CRASH_LOOP' as const,
      object: { kind: 'Pod', name: service, uid: service },
      service,
      reason: 'CrashLoopBackOff',
      message: 'exit code 1',
      database: databaseCause([line]),
      advice: '',
    })
    const down = evaluate({ databases: [{ id: 'emr', status: 'maintenance' }] }, thresholds, NOW)
    const refused = crash('app', 'cannot connect to the database: ECONNREFUSED')
    const password = crash('other', 'database: password authentication failed')
    const found = rank([...down, refused, password])
    expect(found.map(({ code, effects }) => [code, effects.length])).toEqual([
      ['DATABASE_DOWN', 1],
      ['CRASH_LOOP', 0],
    ])
  })
  test('a closed security group before the services that time out, and not before those that are refused', () => {
    const crash = (service: string, line: string) => ({
      code: 'CRASH_LOOP' as const,
      object: { kind: 'Pod', name: service, uid: service },
      service,
      reason: 'CrashLoopBackOff',
      message: 'exit code 1',
      database: databaseCause([line]),
      advice: '',
    })
    const closed = evaluate({ databaseNetwork: databaseNetwork({ ingress: [] }) }, thresholds, NOW)
    const silent = crash('app', 'database: connect ETIMEDOUT 10.0.2.5:5432')
    const refused = crash('other', 'database: connect ECONNREFUSED 10.0.2.5:5432')
    const found = rank([silent, refused, ...closed])
    expect(found.map(({ code, effects }) => [code, effects.length])).toEqual([
      ['DATABASE_BLOCKED', 1],
      ['CRASH_LOOP', 0],
    ])
  })
  test('pods that suffer the same are one finding', () => {
    const evicted = (name: string): PodFacts =>
      pod(name, { service: 'app', phase: 'Failed', failure: { reason: 'Evicted', message: 'low on memory' } })
    const found = first({ pods: [evicted('a'), evicted('b'), evicted('c')] })
    expect(found.map(({ object, also }: Finding & { also: string[] }) => [object.name, also])).toEqual([
      ['a', ['b', 'c']],
    ])
  })
  test('problems before warnings', () => {
    const found = first({
      quotas: [{ uid: 'q', name: 'small', resources: [{ name: 'pods', used: 20, hard: 20 }] }],
      deployments: [deployment({ desired: 0 })],
    })
    expect(found.map(({ severity }) => severity)).toEqual(['problem', 'warning'])
  })
})
