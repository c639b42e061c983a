import type { Section } from '../section.ts'

/** What the user chose to look at. */
export interface View {
  page: 'main' | 'help' | 'diagnose' | 'logs'
  filter: string
  /** The filter is being typed. */
  typing: boolean
  paused: boolean
  sort: 'name' | 'age' | 'restarts'
  /** Title of the chosen section, and the chosen row in it. */
  section: string
  row: number
  /** Lines scrolled: down from the top of a text, up from the end of a log. */
  scroll: number
}

export type Effect =
  | { do: 'none' | 'quit' | 'interrupt' | 'suspend' }
  | { do: 'diagnose' | 'logs'; service: string | undefined }

export const firstView: View = {
  page: 'main',
  filter: '',
  typing: false,
  paused: false,
  sort: 'name',
  section: 'SERVICES',
  row: 0,
  scroll: 0,
}

const NONE: Effect = { do: 'none' }
const SORTS = ['name', 'restarts', 'age'] as const
const PAGE = 10

/** What a key does to the view, and what else is to be done. No key changes anything but what is shown. */
export function press(view: View, key: string, shown: Section[]): { view: View; effect: Effect } {
  const stay = (next: Partial<View>, effect = NONE) => ({ view: { ...view, ...next }, effect })
  if (key === 'ctrl-c') return stay({}, { do: 'interrupt' })
  if (key === 'ctrl-z') return stay({}, { do: 'suspend' })
  if (view.typing) return stay(typed(view, key))
  if (view.page !== 'main') return onPage(view, key)
  const section = shown.find(({ title }) => title === view.section) ?? shown[0]
  const last = Math.max(0, (section?.rows.length ?? 1) - 1)
  const chosen = section?.rows[Math.min(view.row, last)]
  switch (key) {
    case 'q':
      return stay({}, { do: 'quit' })
    case '?':
      return stay({ page: 'help', scroll: 0 })
    case '/':
      return stay({ typing: true })
    case 'escape':
      return stay({ filter: '', row: 0 })
    case 'space':
      return stay({ paused: !view.paused })
    case 's':
      return stay({ sort: SORTS[(SORTS.indexOf(view.sort) + 1) % SORTS.length] ?? 'name' })
    case 'j':
    case 'down':
      return stay({ row: Math.min(last, view.row + 1) })
    case 'k':
    case 'up':
      return stay({ row: Math.max(0, Math.min(last, view.row) - 1) })
    case 'tab':
      return stay({ section: neighbour(shown, view.section, 1), row: 0 })
    case 'back-tab':
      return stay({ section: neighbour(shown, view.section, -1), row: 0 })
    case 'd':
    case 'enter':
      return stay({ page: 'diagnose', scroll: 0 }, { do: 'diagnose', service: chosen?.service })
    case 'l':
      return stay({ page: 'logs', scroll: 0 }, { do: 'logs', service: chosen?.service })
    default:
      return stay({})
  }
}

function typed({ filter }: View, key: string): Partial<View> {
  if (key === 'enter') return { typing: false, row: 0 }
  if (key === 'escape') return { typing: false, filter: '', row: 0 }
  if (key === 'backspace') return { filter: filter.slice(0, -1) }
  if (key === 'space') return { filter: `${filter} ` }
  return key.length === 1 ? { filter: filter + key } : {}
}

function onPage(view: View, key: string): { view: View; effect: Effect } {
  const up = { up: 1, k: 1, 'page-up': PAGE, down: -1, j: -1, 'page-down': -PAGE }[key] ?? 0
  const scroll = view.page === 'logs' ? up : -up
  if (scroll !== 0) return { view: { ...view, scroll: Math.max(0, view.scroll + scroll) }, effect: NONE }
  const back = ['q', 'escape', 'enter', '?', 'd', 'l'].includes(key)
  return { view: back ? { ...view, page: 'main', scroll: 0 } : view, effect: NONE }
}

function neighbour(shown: Section[], title: string, step: number): string {
  const index = shown.findIndex((section) => section.title === title)
  return shown[(index + step + shown.length) % shown.length]?.title ?? title
}
