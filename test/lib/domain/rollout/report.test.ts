import { expect, test } from 'vitest'
import { byCause, failureReport, type RolloutFailure } from '../../../../src/lib/domain/rollout/report.ts'
import { event } from './facts.ts'

test('the report names service, pod, container, reason, exit code, events, log lines and what to do', () => {
  const report = failureReport(
    {
      service: 'handover-service',
      image: 'emr-platform/handover-service:v2',
      node: 'node-1',
      finding: {
        code: 'CRASH_LOOP',
        object: { kind: 'Pod', name: 'handover-service-7c9-x2', uid: 'u' },
        container: 'handover-service',
        reason: 'CrashLoopBackOff',
        message: 'exit code 1',
        exitCode: 1,
        restarts: 3,
        advice: 'read the last log lines',
      },
      events: [
        event('u', {
          reason: 'BackOff',
          message: 'Back-off restarting failed container',
          at: 88_000,
          count: 4,
        }),
      ],
      logs: [
        { pod: 'p', container: 'handover-service', previous: true, lines: ['boot', 'fatal: no database'] },
      ],
    },
    100_000,
  )
  expect(report).toBe(
    [
      'handover-service: the new pods crash',
      '  pod        handover-service-7c9-x2 on node-1',
      '  container  handover-service, exit code 1, 3 restarts',
      '  image      emr-platform/handover-service:v2',
      '  reason     CrashLoopBackOff: exit code 1',
      '  event      12 s ago BackOff (×4): Back-off restarting failed container',
      '  log        handover-service, previous run, last lines:',
      '             | boot',
      '             | fatal: no database',
      '  to do      read the last log lines',
    ].join('\n'),
  )
})

/** A failure of a service in words that name its own objects. */
function failureOf(service: string, message: string, line: string): RolloutFailure {
  const object = { kind: 'Pod', name: `${service}-7c9d5f8b4-x2abc`, uid: service }
  const finding = {
    code: 'CRASH_LOOP' as const,
    object,
    container: service,
    reason: 'Error',
    message,
    advice: 'a',
  }
  const logs = [{ pod: object.name, container: service, previous: true, lines: [line] }]
  return { service, finding, image: `repo/${service}:v2`, node: undefined, events: [], logs }
}

test('services that failed for one cause are one report, whatever their own names and times are', () => {
  const failures = ['task-service', 'emr-service', 'sync-service'].map((name, index) =>
    failureOf(name, `secret "${name}" not found`, `2026-12-01T10:00:0${index}Z ${name} fatal: no database`),
  )
  const other = failureOf('api-gateway', 'secret "api-gateway" not found', 'fatal: no route')
  const groups = byCause([...failures, other])
  expect(groups.map((group) => group.map(({ service }) => service))).toEqual([
    ['task-service', 'emr-service', 'sync-service'],
    ['api-gateway'],
  ])
  const [first = other, ...others] = failures
  const report = failureReport(
    first,
    0,
    others.map(({ service }) => service),
  ).split('\n')
  expect(report.slice(0, 2)).toEqual([
    'task-service, emr-service, sync-service: the new pods crash',
    '  shown      task-service; the evidence has all',
  ])
})

test('the same exit with other words of the programs, or another code, is not one cause', () => {
  const one = failureOf('a-service', 'exit code 1', 'no database')
  const two = failureOf('b-service', 'exit code 1', 'no broker')
  const three = { ...failureOf('c-service', 'exit code 1', 'no database') }
  three.finding = { ...three.finding, exitCode: 2 }
  expect(byCause([one, two, three])).toHaveLength(3)
})
