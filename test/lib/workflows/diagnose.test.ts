import { expect, test } from 'vitest'
import type { EnvironmentFacts } from '../../../src/lib/domain/diagnosis/facts.ts'
import type { Environment } from '../../../src/lib/domain/environment.ts'
import { type DiagnosePorts, diagnoseEnvironment } from '../../../src/lib/workflows/diagnose.ts'
import { container, healthy, pod, thresholds } from '../domain/rollout/facts.ts'

type Source = Parameters<DiagnosePorts['workloads']['logLines']>[0]

const NOW = 3_600_000
const REFUSED = '{"msg":"cannot connect to the database","error":"connect ECONNREFUSED 10.0.2.5:5432"}'

/** @param log what a container has written; may throw */
async function diagnose(facts: Partial<EnvironmentFacts>, log: (source: Source) => string[]) {
  const asked: Source[] = []
  const diagnosis = await diagnoseEnvironment({
    environment: {
      name: 'production',
      namespace: 'emr',
      services: [],
      rollout: thresholds,
    } as unknown as Environment,
    kubectl: 'kubectl --context production',
    read: async () => ({ facts, gaps: [] }),
    workloads: {
      logLines: async (source) => {
        asked.push(source)
        return log(source)
      },
    },
    signal: AbortSignal.timeout(10_000),
    now: () => NOW,
  })
  return { ...diagnosis, asked }
}

const crashing = (name: string, on = 'n1') =>
  pod(name, {
    phase: 'Running',
    service: 'app',
    node: on,
    containers: [
      container({
        restarts: 3,
        waiting: { reason: 'CrashLoopBackOff', message: '' },
        last: { reason: 'Error', exitCode: 1, message: '', startedAt: NOW - 5000, finishedAt: NOW },
      }),
    ],
  })
const serving = (name: string, service: string) => ({ ...healthy(name), service })

test('pods that fail alike are read once, and explained alike', async () => {
  const databases = [{ id: 'emr', status: 'maintenance' }]
  const pods = ['a', 'b', 'c'].map((name) => crashing(name))
  const { findings, asked } = await diagnose({ pods, databases }, () => [REFUSED])
  expect(asked).toHaveLength(1)
  expect(findings).toMatchObject([
    {
      code: 'DATABASE_DOWN',
      log: { pod: 'a', lines: [REFUSED] },
      effects: [{ code: 'CRASH_LOOP', also: ['b', 'c'] }],
    },
  ])
})

test('commands in advice can be typed as they stand', async () => {
  const { findings } = await diagnose({ pods: [crashing('a')] }, () => [REFUSED])
  expect(findings[0]?.advice).toContain('emr smoke-test production --tag stores')
})

test('of pods that serve, some are read, of the last minutes only', async () => {
  const pods = Array.from({ length: 60 }, (_, index) => serving(`p${index}`, `s${index % 12}`))
  const { asked, health } = await diagnose({ pods }, () => [])
  expect(health).toBe('healthy')
  expect(asked).toHaveLength(10)
  expect(asked[0]?.within).toEqual({ seconds: 300, bytes: 65_536, timeoutMs: 5_000 })
  const { asked: few } = await diagnose({ pods: pods.filter(({ service }) => service === 's1') }, () => [])
  expect(few).toHaveLength(2)
})

test('logs that may not be read are not evaluated, told once', async () => {
  const pods = [serving('a', 'x'), serving('b', 'y')]
  const { health, notEvaluated, findings } = await diagnose({ pods }, () => {
    throw new Error('pods "a" is forbidden: cannot get resource "pods/log"')
  })
  expect(findings).toEqual([])
  expect(health).toBe('unknown')
  expect(notEvaluated).toEqual([
    { what: 'logs of pods', why: 'pods "a" is forbidden: cannot get resource "pods/log"' },
  ])
})
