import { formatAge } from '../../domain/duration.ts'
import type { Picture } from '../../domain/monitor/picture.ts'
import { count } from '../count.ts'
import { healthText, sections, sourcesText } from '../monitor-view.ts'
import type { Section } from '../section.ts'
import { table } from '../table.ts'
import type { Theme } from '../theme.ts'
import { clip, wrap } from './clip.ts'
import type { View } from './view.ts'

export interface FrameInput {
  /** Undefined before anything is known: then the frame is a skeleton. */
  picture: Picture | undefined
  environment: string
  view: View
  /** Of the page that is open: the diagnosis, or the log. */
  text: string[]
  size: { columns: number; rows: number }
  /** Epoch milliseconds. */
  now: number
}

const KEYS = '? help  / filter  tab section  j/k row  d diagnose  l logs  s sort  space pause  q quit'
const HELP = [
  'Keys; none of them changes anything in the environment.',
  '',
  '  ?        this help',
  '  /        filter rows by a part of a name; escape ends it',
  '  tab      next section, shift-tab the one before',
  '  j, k     next and previous row, or the arrows',
  '  d        diagnose the service of the chosen row; enter too',
  '  l        follow its logs',
  '  s        sort by name, restarts, age',
  '  space    hold the picture, and let it go on',
  '  q        quit; on a page, back',
]

/** The rows of the picture that the view shows, in its order. */
export function shownSections(picture: Picture | undefined, { filter, sort }: View, theme: Theme): Section[] {
  if (picture === undefined) return []
  const sorted = {
    ...picture,
    services: sortedBy(picture.services, sort),
    troubled: sortedBy(picture.troubled, sort),
  }
  const wanted = filter.toLowerCase()
  return sections(sorted, theme).map((section) => ({
    ...section,
    rows: section.rows.filter(({ name, service = '' }) =>
      `${name} ${service}`.toLowerCase().includes(wanted),
    ),
  }))
}

/** A stable sort: by name is the order that they have. */
function sortedBy<Row extends { age: number; restarts: number }>(rows: Row[], sort: View['sort']): Row[] {
  if (sort === 'age') return [...rows].sort((a, b) => a.age - b.age)
  return sort === 'restarts' ? [...rows].sort((a, b) => b.restarts - a.restarts) : rows
}

/** The whole screen as lines, none wider and not one more than the terminal has. */
export function frame(input: FrameInput, theme: Theme): string[] {
  const { view, size } = input
  const height = Math.max(1, size.rows - 1)
  const body = height - 2
  const page = view.page === 'main' ? mainLines(input, theme, body) : pageLines(pageText(input), view, body)
  const lines = [header(input, theme), ...page.slice(0, body)]
  while (lines.length < height - 1) lines.push('')
  lines.push(footer(input, theme))
  return lines.slice(0, height).map((line) => clip(line, size.columns))
}

/** A diagnosis has to be read whole; a log is one line for each line. */
function pageText({ view, text, size }: FrameInput): string[] {
  if (view.page === 'help') return HELP
  return view.page === 'logs' ? text : text.flatMap((line) => wrap(line, size.columns))
}

function header({ picture, environment, view, now }: FrameInput, theme: Theme): string {
  const name = theme.inverse(` ${environment} `)
  if (picture === undefined) return `${name} ${theme.faint('reaching the cluster…')}`
  const { pods, namespace } = picture
  const age = now - Date.parse(picture.at)
  const held = view.paused ? theme.warn(`  PAUSED ${formatAge(age)}`) : ''
  return `${name} ${healthText(picture.health, theme)}${held}${theme.faint(`  ${namespace}  ${pods.ready}/${count(pods.total, 'pod')} ready  ${new Date(now).toISOString().slice(11, 19)}Z`)}`
}

function footer({ picture, view, now }: FrameInput, theme: Theme): string {
  if (view.typing) return `/${view.filter}▏`
  const stale = picture && sourcesText(picture, theme, now)
  if (stale) return stale
  const filter = view.filter === '' ? '' : theme.warn(`filter '${view.filter}'  `)
  const keys = view.page === 'main' ? KEYS : 'j/k scroll  q back'
  return `${filter}${theme.faint(keys)}`
}

/** Each section gets its lines as long as there is room; the chosen one is scrolled to its row. */
function mainLines({ picture, view, now }: FrameInput, theme: Theme, room: number): string[] {
  const shown = shownSections(picture, view, theme)
  if (picture === undefined) return ['', theme.strong('SERVICES'), theme.faint('  …')]
  const lines: string[] = []
  const chosen = shown.find(({ title }) => title === view.section) ?? shown[0]
  for (const [index, section] of shown.entries()) {
    const left = room - lines.length - 2
    if (left < 1) break
    // What stands below gets a few lines, too.
    const later = shown.slice(index + 1).reduce((sum, { rows }) => sum + Math.min(rows.length, 3) + 3, 0)
    const most = Math.max(3, Math.min(section.rows.length, left - 1 - later))
    lines.push(
      '',
      ...sectionLines(
        section,
        section === chosen ? view.row : undefined,
        Math.min(most, left),
        ageText(picture, section, now),
        theme,
      ),
    )
  }
  return lines
}

function sectionLines(
  { title, head, rows }: Section,
  chosen: number | undefined,
  most: number,
  age: string,
  theme: Theme,
): string[] {
  const row = chosen === undefined ? undefined : Math.min(chosen, rows.length - 1)
  const first = row === undefined ? 0 : Math.max(0, Math.min(row - most + 1, rows.length - most))
  const [titles = '', ...texts] = table(
    [title, ...head.slice(1)],
    rows.map(({ cells }) => cells),
  ).split('\n')
  const body = texts.slice(first, first + most).map((text, index) => {
    return first + index === row ? `${theme.inverse('>')} ${text}` : `  ${text}`
  })
  const hidden = rows.length - body.length
  const more = hidden > 0 ? `  … ${hidden} more` : ''
  return [`  ${titles}${theme.faint(`  ${age}${more}`)}`, ...body]
}

/** What is watched is as new as its last word, while its source is well; what is asked for has an age. The worst counts. */
function ageText({ sources }: Picture, section: Section, now: number): string {
  const own = sources.filter(({ name }) => section.sources.includes(name))
  const worst = own.sort((a, b) => Number(a.state === 'ok') - Number(b.state === 'ok') || a.at - b.at)[0]
  const { state, at } = worst ?? { state: 'loading', at: 0 }
  const age = at > 0 ? ` ${formatAge(now - at)}` : ''
  if (state === 'ok') return section.title === 'AWS' ? `[${age.trim()} old]` : '[live]'
  return state === 'loading' ? '[…]' : `[STALE${age}]`
}

/** The end of the text, or as far up as was scrolled. A diagnosis is read from its top. */
function pageLines(text: string[], { page, scroll }: View, room: number): string[] {
  if (page === 'logs') {
    const end = Math.max(Math.min(room, text.length), text.length - scroll)
    return text.slice(Math.max(0, end - room), end)
  }
  const top = Math.min(scroll, Math.max(0, text.length - room))
  return text.slice(top, top + room)
}
