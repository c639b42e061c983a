import { isServing } from '../domain/diagnosis/availability.ts'
import type { Picture } from '../domain/monitor/picture.ts'
import { CLOUD_SOURCES, type Figure } from '../domain/monitor/sight.ts'
import { clean } from './clean.ts'
import type { Section } from './section.ts'
import { symbols, type Theme } from './theme.ts'

const FINE = new Set(['OK', 'available'])
const BARS = '▁▂▃▄▅▆▇█'

/** An alarm that is not OK is never hidden behind its figure: the row has the alarm's state, and why; problems first. */
export function cloudSection({ databases, alarms, figures, sources }: Picture, theme: Theme): Section {
  const open = new Map(alarms.map((alarm) => [alarm.name, alarm]))
  const shown = new Set(figures.map(({ alarm }) => alarm))
  const others = alarms.filter(({ name }) => !shown.has(name))
  const isCloud = (name: string) => CLOUD_SOURCES.some((each) => each === name)
  const lost = sources.filter(({ name, state }) => isCloud(name) && state !== 'ok' && state !== 'loading')
  const rows = [
    ...lost.map(({ name, state, error = '' }) => {
      const word = state === 'denied' ? 'not evaluated' : 'STALE'
      return { name, state: word, bad: false, cells: ['', '', clean(error)] }
    }),
    ...databases.map(({ id, status }) => {
      return { name: id, state: status, bad: !isServing(status), cells: ['', '', ''] }
    }),
    ...others.map(({ name, state, reason }) => ({
      name,
      state,
      bad: state === 'ALARM',
      cells: ['', '', clean(reason)],
    })),
    ...figures.map((figure) => {
      const alarm = open.get(figure.alarm)
      const last = [sparkline(figure), clean(alarm?.reason ?? '')].filter(Boolean).join(' ')
      const cells = [number(figure.values.at(-1)), number(figure.threshold), last]
      const state = alarm?.state ?? figure.state
      return { name: figure.name, state, bad: state === 'ALARM', cells }
    }),
  ]
  return {
    title: 'AWS',
    sources: CLOUD_SOURCES,
    head: ['NAME', 'STATE', 'NOW', 'LIMIT', 'LAST MINUTES'],
    rows: rows
      .sort((a, b) => Number(FINE.has(a.state)) - Number(FINE.has(b.state)))
      .map(({ name, state, bad, cells }) => ({
        name,
        cells: [name, cloudState(state, bad, theme), ...cells],
      })),
  }
}

function cloudState(state: string, bad: boolean, theme: Theme): string {
  if (FINE.has(state)) return theme.good(`${symbols.good} ${state}`)
  return bad ? theme.bad(`${symbols.bad} ${state}`) : theme.warn(`${symbols.warn} ${state}`)
}

function number(value: number | undefined): string {
  if (value === undefined) return '-'
  const [size = 1, unit = ''] =
    (
      [
        [1e9, 'G'],
        [1e6, 'M'],
        [1e3, 'k'],
      ] as const
    ).find(([each]) => Math.abs(value) >= each) ?? []
  return `${Number((value / size).toPrecision(3))}${unit}`
}

/** From zero to the largest value or the limit, whichever is more. */
function sparkline({ values, threshold = 0 }: Figure): string {
  const top = Math.max(...values, threshold, Number.MIN_VALUE)
  return values.map((value) => BARS[Math.min(7, Math.max(0, Math.floor((value / top) * 8)))] ?? ' ').join('')
}
