import { expect, test } from 'vitest'
import { failureReport } from '../../../../src/lib/domain/rollout/report.ts'
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
