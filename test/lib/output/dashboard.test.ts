import { Chalk } from 'chalk'
import { describe, expect, test } from 'vitest'
import { pictureOf } from '../../../src/lib/domain/monitor/picture.ts'
import { clip } from '../../../src/lib/output/dashboard/clip.ts'
import { type FrameInput, frame, shownSections } from '../../../src/lib/output/dashboard/frame.ts'
import { keysOf } from '../../../src/lib/output/dashboard/keys.ts'
import { firstView, press, type View } from '../../../src/lib/output/dashboard/view.ts'
import { stdoutTheme as theme } from '../../../src/lib/output/theme.ts'
import { deployment, node } from '../domain/diagnosis/facts.ts'
import { pod, thresholds } from '../domain/rollout/facts.ts'

const NOW = 3_600_000
const names = ['alpha', 'beta', 'gamma']
const picture = pictureOf(
  {
    deployments: names.map((name) => deployment({ uid: name, name, service: name })),
    pods: Array.from({ length: 60 }, (_, index) => pod(`p-${index}`, { createdAt: NOW - index * 1_000 })),
    nodes: [node()],
    sources: [{ name: 'pods', state: 'ok', at: NOW }],
    lastContact: NOW,
  },
  { environment: 'e2e', namespace: 'ns', services: [], rollout: thresholds },
  NOW,
)

function draw(view: Partial<View>, more: Partial<FrameInput> = {}): string[] {
  const size = { columns: 100, rows: 30 }
  const input = { picture, environment: 'e2e', view: { ...firstView, ...view }, text: [], size, now: NOW }
  return frame({ ...input, ...more }, theme)
}

function typed(keys: string, view: View = firstView): View {
  return keysOf(keys).reduce((each, key) => press(each, key, shownSections(picture, each, theme)).view, view)
}

describe('a frame', () => {
  test.each([
    [10, 3],
    [60, 12],
    [200, 60],
  ])('of %i × %i stays within its edges, and leaves the last row free', (columns, rows) => {
    const lines = draw({}, { size: { columns, rows } })
    expect(lines.length).toBe(rows - 1)
    expect(lines.every((line) => [...line].length <= columns)).toBe(true)
  })
  test('before anything is known is a skeleton with the name of the environment', () => {
    const lines = draw({}, { picture: undefined })
    expect(lines[0]).toContain('e2e')
    expect(lines.join('\n')).toContain('SERVICES')
  })
  test('says how many rows do not fit, and scrolls to the chosen one', () => {
    expect(draw({}).join('\n')).toMatch(/… \d+ more/)
    const chosen = draw({ section: 'PODS THAT ARE NOT WELL', row: 59 }).find((line) => line.startsWith('>'))
    expect(chosen).toContain('p-9 ')
  })
  test('shows what is stale in place of the keys', () => {
    const sources = [{ name: 'pods', state: 'stale' as const, at: NOW - 5_000, error: 'refused' }]
    expect(draw({}, { picture: { ...picture, sources } }).at(-1)).toContain('pods STALE, 5s old: refused')
  })
  test('says of each part how old it is', () => {
    const at = NOW - 42_000
    const cloud = { ...picture, databases: [{ id: 'db', status: 'available' }] }
    const source = (name: string, state: 'ok' | 'stale') => ({ name, state, at })
    const text = (state: 'ok' | 'stale') => {
      const sources = [
        source('deployments', state),
        source('RDS', state),
        { ...source('CloudWatch alarms', 'ok'), at: NOW },
      ]
      return draw({}, { picture: { ...cloud, sources }, size: { columns: 130, rows: 60 } }).join('\n')
    }
    expect(text('ok')).toMatch(/SERVICES .*\[live\][\s\S]*AWS .*\[42s old\]/)
    expect(text('stale')).toMatch(/SERVICES .*\[STALE 42s\][\s\S]*AWS .*\[STALE 42s\]/)
  })
  test('of a diagnosis is wrapped, so that what to do can be read', () => {
    const line = `  to do    ${'x'.repeat(60)} END`
    const lines = draw({ page: 'diagnose' }, { text: [line], size: { columns: 50, rows: 20 } })
    expect(lines[1]).toBe(`  to do    ${'x'.repeat(39)}`)
    expect(lines[2]).toBe(`           ${'x'.repeat(21)} END`)
  })
  test('of a log shows its end, of a diagnosis its beginning', () => {
    const text = Array.from({ length: 100 }, (_, index) => `line ${index}`)
    expect(draw({ page: 'logs' }, { text }).join('\n')).toContain('line 99')
    expect(draw({ page: 'diagnose' }, { text })[1]).toBe('line 0')
    expect(draw({ page: 'logs', scroll: 10 }, { text }).join('\n')).not.toContain('line 99')
  })
})

describe('keys', () => {
  test('filter by a part of a name, which escape ends', () => {
    const filtered = typed('/BET\r')
    expect(shownSections(picture, filtered, theme)[0]?.rows.map(({ name }) => name)).toEqual(['beta'])
    expect(typed('\x1b', filtered).filter).toBe('')
  })
  test('move in a section and no further, and between sections', () => {
    expect(typed('jjjjjjjj').row).toBe(2)
    expect(typed('jjk').row).toBe(1)
    expect(typed('\t').section).toBe('PODS THAT ARE NOT WELL')
    expect(typed('\x1b[Z').section).toBe('NODES')
  })
  test('open a page of the chosen service, and leave it', () => {
    const shown = shownSections(picture, firstView, theme)
    expect(press(typed('j'), 'd', shown).effect).toEqual({ do: 'diagnose', service: 'beta' })
    expect(typed('dq').page).toBe('main')
    expect(press(typed('d'), 'q', shown).effect).toEqual({ do: 'none' })
    expect(press(firstView, 'q', shown).effect).toEqual({ do: 'quit' })
  })
  test('q is a letter while a filter is typed', () => {
    expect(typed('/q').filter).toBe('q')
  })
  test('sequences of keys that nobody knows do nothing', () => {
    expect(keysOf('\x1b[15~\x1b[1;5Aj')).toEqual(['j'])
    expect(keysOf('\x1b[A\x1bOB\x03')).toEqual(['up', 'down', 'ctrl-c'])
  })
})

test('a clipped line keeps its colours, and wide characters count twice', () => {
  const { red } = new Chalk({ level: 1 })
  expect(clip(red('abcdef'), 3)).toBe(red('abc'))
  expect(clip('患者a', 4)).toBe('患者')
  expect(clip('e\u0301x', 1)).toBe('e\u0301')
})
