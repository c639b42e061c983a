import { describe, expect, test } from 'vitest'
import type { Finding } from '../../../../src/lib/domain/diagnosis/catalogue.ts'
import { databaseCause } from '../../../../src/lib/domain/diagnosis/database.ts'
import { evaluate, rank } from '../../../../src/lib/domain/diagnosis/evaluate.ts'
import type { EnvironmentFacts } from '../../../../src/lib/domain/diagnosis/facts.ts'
import type { PodFacts } from '../../../../src/lib/domain/rollout/facts.ts'
import { container, pod, thresholds } from '../rollout/facts.ts'
import { condition, databaseNetwork, deployment, node, rule } from './facts.ts'

const HOUR = 3_600_000
const NOW = 10 * HOUR

// What each rule finds, and what it does not, is in test/e2e/monitor/catalogue.

const evaluated = (facts: Partial<EnvironmentFacts>) => evaluate(facts, thresholds, NOW)
const first = (facts: Partial<EnvironmentFacts>) => rank(evaluated(facts))

test('what could not be read is neither wrong nor right', () => {
  expect(evaluated({})).toEqual([])
})

describe('a cause explains what it brings about, and nothing else', () => {
  const crash = (service: string, line: string) => ({
    code: 'CRASH_LOOP' as const,
    object: { kind: 'Pod', name: service, uid: service },
    service,
    reason: 'CrashLoopBackOff',
    message: 'exit code 1',
    database: databaseCause([line]),
    advice: '',
  })
  const ranked = (causes: Finding[], ...crashes: Finding[]) =>
    rank([...crashes, ...causes]).map(({ code, effects }) => [code, effects.length])

  test('a dead node its pods, and not those of others', () => {
    const dead = node({ ready: false, conditions: [condition('Ready', 'Unknown', 'NodeStatusUnknown')] })
    const unready = (name: string, on: string) =>
      pod(name, {
        phase: 'Running',
        createdAt: NOW - HOUR,
        readyChangedAt: NOW - HOUR / 2,
        containers: [container({ running: true })],
        node: on,
        service: name,
      })
    const found = first({ nodes: [dead], pods: [unready('a', 'n1'), unready('b', 'n2')] })
    expect(found.map(({ code }) => code)).toEqual(['NODE_NOT_READY', 'NOT_READY'])
  })
  test('a database that is down the services that it refuses, and not a wrong password', () => {
    const down = evaluated({ databases: [{ id: 'emr', status: 'maintenance' }] })
    const refused = crash('app', 'cannot connect to the database: ECONNREFUSED')
    const password = crash('other', 'database: password authentication failed')
    expect(ranked(down, refused, password)).toEqual([
      ['DATABASE_DOWN', 1],
      ['CRASH_LOOP', 0],
    ])
  })
  test('what was deleted the pods that look for it; where none does, it comes after what is down', () => {
    const objects = [
      { kind: 'PodDisruptionBudget', name: 'app' },
      { kind: 'ServiceAccount', name: 'app' },
    ]
    const gone = evaluate(
      { releases: [{ name: 'app', objects }], budgets: [], serviceAccounts: [{ name: 'default' }] },
      thresholds,
      NOW,
      ['app'],
    )
    const message =
      'pods "app-1" is forbidden: error looking up service account n/app: serviceaccount "app" not found'
    const object = { kind: 'ReplicaSet', name: 'app', uid: 'rs' }
    const refused = {
      code: 'POD_REFUSED' as const,
      object,
      service: 'app',
      reason: 'FailedCreate',
      message,
      advice: '',
    }
    const found = rank([...gone, refused, crash('other', '')])
    expect(found.map(({ code, object: { kind }, effects }) => [code, kind, effects.length])).toEqual([
      ['OBJECT_GONE', 'ServiceAccount', 1],
      ['CRASH_LOOP', 'Pod', 0],
      ['OBJECT_GONE', 'PodDisruptionBudget', 0],
    ])
  })
  test('a closed security group the services that time out, and not those that are refused', () => {
    const closed = evaluated({ databaseNetwork: databaseNetwork({ ingress: [] }) })
    const silent = crash('app', 'database: connect ETIMEDOUT 10.0.2.5:5432')
    const refused = crash('other', 'database: connect ECONNREFUSED 10.0.2.5:5432')
    expect(ranked(closed, silent, refused)).toEqual([
      ['DATABASE_BLOCKED', 1],
      ['CRASH_LOOP', 0],
    ])
  })
})

describe('what one pod suffers explains nothing of another one', () => {
  const found = (code: Finding['code'], name: string, facts: Partial<Finding> = {}): Finding => ({
    code,
    object: { kind: 'Pod', name, uid: name },
    service: 'app',
    reason: '',
    message: '',
    advice: '',
    ...facts,
  })
  const ranked = (...findings: Finding[]) =>
    rank(findings).map(({ code, object, also, effects }) => [
      [code, object.name, ...also].join(' '),
      ...effects.map((effect) => `${effect.code} ${effect.object.name}`),
    ])
  const service = { kind: 'Service', name: 'app', uid: 's' }

  test('a pod without a node the service without endpoints, and not the pods that crash', () => {
    const endpoints = found('NO_ENDPOINTS', 'app', { object: service })
    const crashes = ['b', 'c'].map((name) => found('CRASH_LOOP', name))
    expect(ranked(...crashes, endpoints, found('UNSCHEDULABLE', 'a'))).toEqual([
      ['UNSCHEDULABLE a', 'NO_ENDPOINTS app'],
      ['CRASH_LOOP b c'],
    ])
  })
  test('of pods that suffer the same, only the one with the cause is explained', () => {
    const unready = ['a', 'b', 'c'].map((name) => found('NOT_READY', name))
    expect(ranked(...unready, found('OUT_OF_MEMORY', 'b', { container: 'sidecar' }))).toEqual([
      ['OUT_OF_MEMORY b', 'NOT_READY b'],
      ['NOT_READY a c'],
    ])
  })
  test('a dead node its pods, and not those of the same service on another one', () => {
    const dead = found('NODE_NOT_READY', 'n1', {
      object: { kind: 'Node', name: 'n1', uid: 'n1' },
      node: 'n1',
    })
    const pods = [found('NOT_READY', 'a', { node: 'n1' }), found('NOT_READY', 'b', { node: 'n2' })]
    expect(ranked(dead, ...pods)).toEqual([['NODE_NOT_READY n1', 'NOT_READY a'], ['NOT_READY b']])
  })
  test('what an effect brings about is the same trouble', () => {
    const dead = found('NODE_NOT_READY', 'n1', {
      object: { kind: 'Node', name: 'n1', uid: 'n1' },
      node: 'n1',
    })
    const unready = found('NOT_READY', 'a', { node: 'n1' })
    expect(ranked(dead, unready, found('NO_ENDPOINTS', 'app', { object: service }))).toEqual([
      ['NODE_NOT_READY n1', 'NOT_READY a', 'NO_ENDPOINTS app'],
    ])
  })
  test('pods that were refused do not make those crash that are there', () => {
    const refused = found('POD_REFUSED', 'app-1', {
      object: { kind: 'ReplicaSet', name: 'app-1', uid: 'rs' },
    })
    expect(ranked(found('CRASH_LOOP', 'a'), refused)).toEqual([['POD_REFUSED app-1'], ['CRASH_LOOP a']])
  })
  test('a hook its own pods, and not those of the service', () => {
    const hook = found('HOOK_FAILED', 'migrate', { object: { kind: 'Job', name: 'migrate', uid: 'job' } })
    const pods = [
      found('CRASH_LOOP', 'migrate-x', { owner: 'job' }),
      found('CRASH_LOOP', 'app-x', { owner: 'rs' }),
    ]
    expect(ranked(...pods, hook)).toEqual([
      ['HOOK_FAILED migrate', 'CRASH_LOOP migrate-x'],
      ['CRASH_LOOP app-x'],
    ])
  })
  test('a quota the pods that it refuses, and not another quota', () => {
    const message = 'pods "app-1-x" is forbidden: exceeded quota: small, requested: pods=1, used: pods=2'
    const object = { kind: 'ReplicaSet', name: 'app-1', uid: 'rs' }
    const quotas = ['small', 'smaller'].map((name) =>
      found('QUOTA_NEARLY_USED', name, {
        object: { kind: 'ResourceQuota', name, uid: name },
        service: undefined,
      }),
    )
    expect(ranked(found('POD_REFUSED', 'app-1', { object, message }), ...quotas)).toEqual([
      ['POD_REFUSED app-1', 'QUOTA_NEARLY_USED small'],
      ['QUOTA_NEARLY_USED smaller'],
    ])
  })
  test('a missing metrics API the autoscaler, and not the service without endpoints', () => {
    const metrics = found('METRICS_MISSING', 'metrics', { service: undefined })
    const scaler = found('AUTOSCALER_FAILING', 'app', { object: { kind: 'HPA', name: 'app', uid: 'h' } })
    expect(ranked(metrics, scaler, found('NO_ENDPOINTS', 'app', { object: service }))).toEqual([
      ['METRICS_MISSING metrics', 'AUTOSCALER_FAILING app'],
      ['NO_ENDPOINTS app'],
    ])
  })

  const dns = found('DNS_MISSING', 'kube-system/coredns', { service: undefined })
  test('CoreDNS the names that pods ask for, and not those of registries, which nodes ask for', () => {
    const message = 'dial tcp: lookup registry.example on 10.0.0.2:53: no such host'
    const pull = found('IMAGE_PULL_FAILING', 'a', { message })
    const sync = found('INGRESS_FAILING', 'app', {
      object: { kind: 'Ingress', name: 'app', uid: 'i' },
      message,
    })
    expect(ranked(dns, pull, sync)).toEqual([
      ['DNS_MISSING kube-system/coredns', 'INGRESS_FAILING app'],
      ['IMAGE_PULL_FAILING a'],
    ])
  })

  const unsynced = found('SECRET_NOT_SYNCED', 'app-database', {
    object: { kind: 'ExternalSecret', name: 'app-database', uid: 'e' },
    secret: 'database',
  })
  test.each([
    'secret "database" not found',
    'MountVolume.SetUp failed for volume "secrets" : secret "database" not found',
    "couldn't find key DATABASE_HOST in Secret production/database",
  ])('a secret that is not made those that name it: %s', (message) => {
    expect(ranked(unsynced, found('CONTAINER_CONFIG', 'a', { message }))).toHaveLength(1)
  })
  test.each([
    'secret "redis" not found',
    'configmap "database" not found',
    'MountVolume.SetUp failed for volume "database" : secret "redis" not found',
    "couldn't find key DATABASE_HOST in ConfigMap production/database",
    'exec: "/app/server": permission denied',
  ])('and nobody else: %s', (message) => {
    expect(ranked(unsynced, found('CONTAINER_CONFIG', 'a', { message }))).toHaveLength(2)
  })
})

describe('one finding keeps all that was found', () => {
  test('of the same object', () => {
    const resources = ['pods', 'requests.cpu'].map((name) => ({ name, used: 20, hard: 20 }))
    const found = first({ quotas: [{ uid: 'q', name: 'small', resources }] })
    expect(found.map(({ message, more }) => [message, ...more.map((each) => each.message)])).toEqual([
      ['pods: 20 of 20 are used', 'requests.cpu: 20 of 20 are used'],
    ])
  })
  test('between pods and a database', () => {
    const egress = [rule({ ports: { from: 443, to: 443 }, blocks: ['0.0.0.0/0'] })]
    const [found] = first({ databaseNetwork: databaseNetwork({ ingress: [] }, { egress }) })
    expect([found, ...(found?.more ?? [])].map((each) => each?.reason)).toEqual([
      'NoIngressRule',
      'NoEgressRule',
    ])
  })
  test('and not what other pods say with other numbers', () => {
    const falls = (name: string, restarts: number) =>
      pod(name, {
        phase: 'Running',
        service: 'app',
        ready: true,
        containers: [
          container({
            ready: true,
            restarts,
            running: true,
            last: { reason: 'Error', exitCode: 1, message: '', startedAt: 0, finishedAt: NOW },
          }),
        ],
      })
    const found = first({ pods: [falls('a', 7), falls('b', 8)] })
    expect(found).toMatchObject([{ code: 'RESTARTING', also: ['b'], more: [] }])
  })
})

test('pods that suffer the same are one finding', () => {
  const evicted = (name: string): PodFacts =>
    pod(name, { service: 'app', phase: 'Failed', failure: { reason: 'Evicted', message: 'low on memory' } })
  const found = first({ pods: [evicted('a'), evicted('b'), evicted('c')] })
  expect(found.map(({ object, also }) => [object.name, also])).toEqual([['a', ['b', 'c']]])
})

test('problems come before warnings', () => {
  const found = first({
    quotas: [{ uid: 'q', name: 'small', resources: [{ name: 'pods', used: 20, hard: 20 }] }],
    deployments: [deployment({ desired: 0 })],
  })
  expect(found.map(({ severity }) => severity)).toEqual(['problem', 'warning'])
})
