import { expect, test } from 'vitest'
import type { Finding } from '../../../src/lib/domain/diagnosis/catalogue.ts'
import { rank } from '../../../src/lib/domain/diagnosis/evaluate.ts'
import { diagnosisView } from '../../../src/lib/output/diagnosis-view.ts'
import { stdoutTheme } from '../../../src/lib/output/theme.ts'

const view = (...found: Finding[]) =>
  diagnosisView(
    {
      environment: 'production',
      namespace: 'production',
      health: 'unhealthy',
      findings: rank(found),
      notEvaluated: [],
      pods: 2,
    },
    stdoutTheme,
    60_000,
  ).split('\n')

test('all evidence of a finding is shown, and each remedy once', () => {
  const found = (name: string, reason: string, message: string, advice: string): Finding => ({
    code: 'UNSCHEDULABLE',
    object: { kind: 'Pod', name, uid: name },
    service: 'app',
    reason,
    message,
    field: 'status',
    at: 30_000,
    advice,
  })
  const lines = view(
    found('app-1', 'Unschedulable', 'a taint', 'tolerate it'),
    found('app-2', 'Unschedulable', 'another taint', 'tolerate it'),
    found('app-3', 'Unschedulable', 'no CPU', 'add a node'),
  )
  expect(lines).toEqual([
    '✖ app: no node can take the pods UNSCHEDULABLE',
    '  pod      app-1, also app-2, app-3',
    '  reason   Unschedulable: a taint (status, 30.0 s ago)',
    '  and      app-3: Unschedulable: no CPU (status, 30.0 s ago)',
    '  to do    tolerate it',
    '           add a node',
    '✖ production: 1 problem',
  ])
})
