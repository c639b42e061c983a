import { describe, expect, test } from 'vitest'
import type { Finding } from '../../../../src/lib/domain/diagnosis/catalogue.ts'
import { databaseCause } from '../../../../src/lib/domain/diagnosis/database.ts'
import { evaluate, rank } from '../../../../src/lib/domain/diagnosis/evaluate.ts'
import type { EnvironmentFacts } from '../../../../src/lib/domain/diagnosis/facts.ts'
import type { PodFacts } from '../../../../src/lib/domain/rollout/facts.ts'
import { container, pod, thresholds } from '../rollout/facts.ts'
import { condition, databaseNetwork, deployment, node } from './facts.ts'

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
