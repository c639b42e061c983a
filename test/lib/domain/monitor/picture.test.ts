import { expect, test } from 'vitest'
import { changesBetween } from '../../../../src/lib/domain/monitor/changes.ts'
import { type Picture, pictureOf } from '../../../../src/lib/domain/monitor/picture.ts'
import { readyText } from '../../../../src/lib/domain/monitor/rows.ts'
import type { Sight } from '../../../../src/lib/domain/monitor/sight.ts'
import type { PodFacts } from '../../../../src/lib/domain/rollout/facts.ts'
import { autoscaler, deployment, node } from '../diagnosis/facts.ts'
import { container, event, healthy, pod, thresholds } from '../rollout/facts.ts'

const NOW = 3_600_000
const setting = { environment: 'e2e', namespace: 'ns', services: ['app'], rollout: thresholds }
const ok = ['deployments', 'pods', 'nodes'].map((name) => ({ name, state: 'ok' as const, at: NOW }))
const app = (name: string) => ({ ...healthy(name), service: 'app' })
const starting = pod('new', { service: 'app', createdAt: NOW - 1_000 })
const crashing = pod('bad', {
  service: 'app',
  phase: 'Running',
  containers: [
    container({
      restarts: 4,
      waiting: { reason: 'CrashLoopBackOff', message: 'back-off' },
      last: { reason: 'Error', exitCode: 1, message: '', startedAt: 0, finishedAt: NOW },
    }),
  ],
})

function picture(sight: Partial<Sight> = {}): Picture {
  const all = {
    deployments: [deployment()],
    pods: [app('a'), app('b')],
    nodes: [node()],
    sources: ok,
    lastContact: NOW,
  }
  return pictureOf({ ...all, ...sight }, setting, NOW)
}

test('all is well', () => {
  const { health, services, troubled, pods } = picture({
    autoscalers: [autoscaler({ target: 'app', metrics: [{ name: 'cpu', current: 35, target: 70 }] })],
  })
  expect({ health, troubled, pods }).toEqual({
    health: 'healthy',
    troubled: [],
    pods: { total: 2, ready: 2 },
  })
  expect(services[0]).toMatchObject({ state: 'ready', ready: 2, desired: 2, autoscaler: '2-5 cpu 35/70 %' })
})

test.each<[string, Partial<Sight>, Picture['health']]>([
  ['a pod that crashes', { pods: [app('a'), crashing] }, 'unhealthy'],
  ['a service that is missing', { deployments: [] }, 'unhealthy'],
  ['a node that is not ready', { nodes: [node({ ready: false })] }, 'unhealthy'],
  ['an alarm without data', { alarms: [{ name: 'a', state: 'INSUFFICIENT_DATA', reason: '' }] }, 'unhealthy'],
  ['a database in maintenance', { databases: [{ id: 'd', status: 'maintenance' }] }, 'unhealthy'],
  ['a database that is backed up', { databases: [{ id: 'd', status: 'backing-up' }] }, 'healthy'],
  ['a roll-out under way', { deployments: [deployment({ updated: 1 })] }, 'progressing'],
  [
    'a first roll-out, half done',
    { deployments: [deployment({ available: 1, wasComplete: false })] },
    'progressing',
  ],
  [
    'a service that is scaled up',
    { deployments: [deployment({ desired: 3, updated: 3, total: 3 })], pods: [app('a'), app('b'), starting] },
    'progressing',
  ],
  [
    'a service whose new pod is ready, and not yet for long enough to be available',
    {
      deployments: [deployment({ desired: 3, updated: 3, total: 3 })],
      pods: [app('a'), app('b'), { ...app('c'), createdAt: NOW - 1_000 }],
    },
    'progressing',
  ],
  [
    'a service that lacks a pod',
    { deployments: [deployment({ available: 1 })], pods: [app('a')] },
    'unhealthy',
  ],
  ['a service that has lost its pods', { deployments: [deployment({ available: 0 })] }, 'unhealthy'],
  ['a part that may not be read', { sources: [...ok, { name: 'x', state: 'denied', at: 0 }] }, 'unknown'],
  ['a part that is old', { sources: [...ok, { name: 'x', state: 'stale', at: 1 }] }, 'unknown'],
  ['a server that has been silent for six seconds', { lastContact: NOW - 6_000 }, 'unknown'],
  ['a server that has never answered', { lastContact: 0 }, 'unknown'],
  ['a server that answered four seconds ago', { lastContact: NOW - 4_000 }, 'healthy'],
  ['a part that is not there yet', { sources: [...ok, { name: 'x', state: 'loading', at: 0 }] }, 'unknown'],
  ['a service without pods', { deployments: [deployment({ desired: 0 })] }, 'unhealthy'],
])('%s', (_what, sight, health) => {
  expect(picture(sight).health).toBe(health)
})

const service = { uid: 's', name: 'app', service: 'app', selector: { app: 'app' }, ports: [] }
const network = {
  services: [service],
  endpoints: [{ uid: 'e', name: 'app-1', of: 'app', ready: 2, notReady: 0 }],
  ingresses: [
    {
      uid: 'i',
      name: 'app',
      service: 'app',
      createdAt: NOW,
      addresses: [],
      backends: [{ service: 'app', port: undefined }],
    },
  ],
}
const noEndpoints = [{ uid: 'e', name: 'app-1', of: 'app', ready: 0, notReady: 1 }]
const undeclared = { ...service, ports: [{ port: 80, target: 9999 }] }
const lost = [{ ...service, selector: { app: 'other' } }]
const reconciling = [
  event('i', { type: 'Warning', reason: 'FailedDeployModel', at: NOW - 2_000 }),
  event('i', { type: 'Normal', reason: 'SuccessfullyReconciled', at: NOW - 1_000 }),
]

test.each<[string, Partial<Sight>, Picture['health'], string[]]>([
  ['all are reached', {}, 'healthy', []],
  ['a selector that selects nothing', { services: lost, endpoints: [] }, 'unhealthy', ['Service/app']],
  ['a Service that is gone', { services: [], ingresses: [] }, 'unhealthy', ['Deployment/app']],
  [
    'an Ingress without its Service',
    { services: [{ ...service, name: 'b', selector: {} }] },
    'unhealthy',
    ['Ingress/app'],
  ],
  ['an Ingress that failed', { ingressEvents: reconciling.slice(0, 1) }, 'unhealthy', ['Ingress/app']],
  ['an Ingress that has failed before', { ingressEvents: reconciling }, 'healthy', []],
  ['a port that is not declared', { services: [undeclared] }, 'healthy', []],
  ['no endpoint is ready', { endpoints: noEndpoints }, 'unhealthy', ['Service/app']],
  [
    'no endpoint is ready yet',
    { endpoints: noEndpoints, deployments: [deployment({ updated: 1 })] },
    'progressing',
    [],
  ],
  ['no pods: said of the service', { endpoints: [], deployments: [] }, 'unhealthy', []],
  ['Services that are not known', { services: undefined, ingresses: undefined }, 'healthy', []],
  ['deployments that are not known', { deployments: undefined, sources: [] }, 'healthy', []],
])('pods that are not reached: %s', (_what, sight, health, objects) => {
  const { health: found, unreached } = picture({ ...network, ...sight })
  expect([found, unreached.map(({ object }) => object)]).toEqual([health, objects])
})

test('pods with problems come before those that only start', () => {
  const starting = pod('a-new', { service: 'app', createdAt: NOW - 1_000 })
  const { troubled } = picture({ pods: [app('a'), starting, crashing] })
  expect(troubled.map((row) => [row.pod, row.problem, row.reason])).toEqual([
    ['bad', true, 'CrashLoopBackOff'],
    ['a-new', false, 'Pending'],
  ])
})

test('warnings are the newest first, and old ones are left out', () => {
  const warning = (name: string, ago: number) => event('uid', { name, reason: 'Failed', at: NOW - ago })
  const { warnings } = picture({
    warnings: [warning('old', 1_000_000), warning('a', 5_000), warning('b', 1_000)],
  })
  expect(warnings.map(({ object }) => object)).toEqual(['Pod/b', 'Pod/a'])
})

test('changes are told once: what is new, what is other, what is gone', () => {
  const before = picture({ pods: [app('a'), crashing] })
  const after = picture({ deployments: [deployment({ available: 1 })], pods: [app('a'), app('b')] })
  expect(changesBetween(before, before, () => new Map())).toEqual([])
  const bad = { subject: 'pod', name: 'bad', before: 'CrashLoopBackOff, 4 restarts' }
  expect(changesBetween(before, after, () => new Map())).toEqual([
    { subject: 'service', name: 'app', before: 'degraded 2/2', after: 'degraded 1/2' },
    { ...bad, after: undefined },
  ])
  expect(changesBetween(before, after, () => new Map([['bad', 'ready']]))).toContainEqual({
    ...bad,
    after: 'ready',
  })
})

test('that a source is read for the first time is no news; that it is lost and comes back is', () => {
  const source = (state: 'loading' | 'ok' | 'stale') =>
    picture({ sources: [{ name: 'pods', state, at: state === 'ok' ? NOW : 0 }] })
  const told = (before: Picture | undefined, after: Picture) =>
    changesBetween(before, after, () => new Map()).filter(({ subject }) => subject === 'source')
  expect(told(undefined, source('ok'))).toEqual([])
  expect(told(source('loading'), source('ok'))).toEqual([])
  expect(told(source('ok'), source('stale'))).toHaveLength(1)
  expect(told(source('stale'), source('ok'))).toHaveLength(1)
})

test('new, old and ready pods are counted apart, with the version that they have', () => {
  const set = (uid: string, template: string, version: string) => {
    return { uid, name: uid, owner: 'deployment', revision: uid, template, version }
  }
  const replicaSets = [set('one', 'old', '1.9.0'), set('two', 'new', '1.9.1')]
  const of = (owner: string, ...pods: PodFacts[]) => pods.map((each) => ({ ...each, service: 'app', owner }))
  const row = (pods: PodFacts[]) =>
    picture({
      deployments: [
        deployment({ uid: 'deployment', template: 'new', version: '1.9.1', updated: 1, total: 4 }),
      ],
      replicaSets,
      revisions: new Map([['app', '7']]),
      pods,
    }).services[0]
  const old = of('one', healthy('a'), healthy('b'), healthy('c'))
  expect(row([...old, ...of('two', pod('d'))])).toMatchObject({
    ...{ ready: 0, old: 3, desired: 2, version: '1.9.0 → 1.9.1', wanted: '1.9.1', revision: '7' },
  })
  // Before the controller has made the new ReplicaSet, all pods are old ones.
  expect(row(old)).toMatchObject({ ready: 0, old: 3, version: '1.9.0', wanted: '1.9.1' })
  expect(row(of('two', healthy('d'), healthy('e')))).toMatchObject({ ready: 2, old: 0, version: '1.9.1' })
  expect(row([])?.version).toBeUndefined()
  expect(readyText({ ready: 0, desired: 2, old: 3 })).toBe('0/2 new, 3 old')
})
