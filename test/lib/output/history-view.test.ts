import { expect, test } from 'vitest'
import type { ReleaseSet } from '../../../src/lib/domain/release/release-set.ts'
import { historyView } from '../../../src/lib/output/history-view.ts'
import { stdoutTheme as theme } from '../../../src/lib/output/theme.ts'
import { releaseSet } from '../../support/release-set.ts'

const lock = { id: 'a', operation: 'deploy', by: 'me', alive: true }
const view = (sets: ReleaseSet[], rest: object = {}) =>
  historyView({ environment: 'test', sets, operations: [], lock: null, freeze: null, ...rest }, theme)

test('what is at work, and what was cut off', () => {
  const running = releaseSet('a', { outcome: 'running', proven: false })
  expect(view([running], { lock })).toMatch(/a +deploy +\S+ running .*is at work$/s)
  const dead = view([running], { lock: { ...lock, alive: false } })
  expect(dead).toMatch(/a +deploy +▲ cut off .*\n▲ deploy a of me was cut off: the next operation takes/s)
  expect(view([running])).toContain('▲ cut off')
})

test('a failed deploy that went back says whether the smoke tests have passed there', () => {
  const back = { outcome: 'rolled-back', restored: 'a' } as const
  expect(view([releaseSet('b', back)])).toContain('▲ rolled-back')
  expect(view([releaseSet('b', back)])).toContain('back to a, proven good again')
  expect(view([releaseSet('b', { ...back, proven: false })])).not.toContain('proven')
})

test('a scale that was cut off counts as done from its patch on', () => {
  const scale: Partial<ReleaseSet> = {
    operation: 'scale',
    outcome: 'abandoned',
    request: { services: ['web'], replicas: 3 },
  }
  const phase = { name: 'pods', startedAt: '2026-01-01T00:00:00.000Z' }
  expect(view([releaseSet('b', { ...scale, phases: [phase] })])).toContain('nothing changed')
  const phases = [phase, { ...phase, name: 'patch' }]
  expect(view([releaseSet('b', { ...scale, phases })])).toContain('web to 3 pods')
})
