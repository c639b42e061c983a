import { formatAge } from '../domain/duration.ts'
import type { Change } from '../domain/monitor/changes.ts'
import { type Health, type Picture, silentSeconds } from '../domain/monitor/picture.ts'
import { readyText, type ServiceRow } from '../domain/monitor/rows.ts'
import { versionsText } from '../domain/release/unfinished.ts'
import { timestamp } from '../domain/timestamp.ts'
import { clean } from './clean.ts'
import { cloudSection } from './cloud-section.ts'
import { count } from './count.ts'
import type { Section } from './section.ts'
import { table } from './table.ts'
import { symbols, type Theme } from './theme.ts'

const WORDS: Record<Health, string> = {
  healthy: `${symbols.good} healthy`,
  progressing: `${symbols.running} rolling out`,
  unhealthy: `${symbols.bad} unhealthy`,
  unknown: `${symbols.warn} unknown`,
}

/** How long the API server has been silent; undefined while the picture is live. */
function contactText(picture: Pick<Picture, 'at' | 'lastContact'>): string | undefined {
  if (picture.lastContact === undefined) return 'no contact with the API server yet'
  const seconds = silentSeconds(picture)
  return seconds === undefined ? undefined : `last contact ${seconds} s ago`
}

/** Symbol and word. */
export function healthText(health: Health, theme: Theme): string {
  if (health === 'healthy') return theme.good(WORDS.healthy)
  return health === 'unhealthy' ? theme.bad(WORDS.unhealthy) : theme.warn(WORDS[health])
}

/** The parts of the picture that have something in them, the services always. */
export function sections(picture: Picture, theme: Theme): Section[] {
  const all = [
    services(picture, theme),
    troubled(picture, theme),
    unfinished(picture, theme),
    unexplained(picture, theme),
    unreached(picture, theme),
    nodes(picture, theme),
    cloudSection(picture, theme),
    warnings(picture),
  ]
  return all.filter(({ title, rows }) => title === 'SERVICES' || rows.length > 0)
}

function services({ services: rows }: Picture, theme: Theme): Section {
  return {
    title: 'SERVICES',
    sources: ['deployments'],
    head: ['SERVICE', 'STATE', 'READY', 'VERSION', 'REV', 'AGE', 'RESTARTS', 'CPU', 'MEMORY', 'AUTOSCALER'],
    rows: rows.map((row) => ({
      name: row.service,
      service: row.service,
      cells: [
        row.service,
        stateText(row, theme),
        readyText(row),
        row.version ?? '-',
        row.revision ?? '-',
        row.state === 'missing' ? '-' : formatAge(row.age),
        String(row.restarts),
        row.cpu === undefined ? '-' : `${Math.round(row.cpu * 1000)}m`,
        row.memory === undefined ? '-' : `${Math.round(row.memory / 1024 ** 2)}Mi`,
        row.autoscaler ?? '-',
      ],
    })),
  }
}

function stateText({ state }: ServiceRow, theme: Theme): string {
  switch (state) {
    case 'ready':
      return theme.good(`${symbols.good} ready`)
    case 'rolling out':
      return theme.warn(`${symbols.running} rolling out`)
    case 'idle':
      return theme.bad(`${symbols.bad} no pods`)
    default:
      return theme.bad(`${symbols.bad} ${state}`)
  }
}

function troubled({ troubled: rows }: Picture, theme: Theme): Section {
  return {
    title: 'PODS THAT ARE NOT WELL',
    sources: ['pods'],
    head: ['POD', 'REASON', 'RESTARTS', 'AGE', 'NODE', 'MESSAGE'],
    rows: rows.map(({ pod, service, problem, reason, restarts, age, node, message }) => ({
      name: pod,
      service,
      cells: [
        pod,
        problem ? theme.bad(`${symbols.bad} ${reason}`) : theme.warn(`${symbols.running} ${reason}`),
        String(restarts),
        formatAge(age),
        node ?? '-',
        clean(message),
      ],
    })),
  }
}

function unfinished({ unfinished: rows }: Picture, theme: Theme): Section {
  return {
    title: 'UNFINISHED OPERATIONS',
    sources: ['records', 'lock'],
    head: ['OPERATION', 'STATE', 'RUNNING NOW', 'TO GO ON'],
    rows: rows.map(({ id, operation, state, versions, resolve }) => ({
      name: id,
      cells: [
        `${operation} ${id}`,
        theme.bad(`${symbols.bad} ${state}`),
        clean(versionsText(versions)),
        resolve.join(', or '),
      ],
    })),
  }
}

function unexplained({ unexplained: rows }: Picture, theme: Theme): Section {
  return {
    title: 'UNEXPLAINED VERSIONS',
    sources: ['records'],
    head: ['SERVICE', 'VERSION', 'MESSAGE'],
    rows: rows.map(({ service, version, message }) => ({
      name: service,
      service,
      cells: [service, theme.warn(`${symbols.warn} ${clean(version)}`), clean(message)],
    })),
  }
}

function unreached({ unreached: rows }: Picture, theme: Theme): Section {
  return {
    title: 'PODS THAT ARE NOT REACHED',
    sources: ['services', 'endpoints', 'ingresses', 'events of ingresses'],
    head: ['OBJECT', 'REASON', 'MESSAGE'],
    rows: rows.map(({ object, service, reason, message }) => ({
      name: object,
      service,
      cells: [object, theme.bad(`${symbols.bad} ${reason}`), clean(message)],
    })),
  }
}

function nodes({ nodes: rows }: Picture, theme: Theme): Section {
  const share = (value: number | undefined) => (value === undefined ? '-' : `${Math.round(value * 100)} %`)
  return {
    title: 'NODES',
    sources: ['nodes'],
    head: ['NODE', 'STATE', 'CPU', 'MEMORY', 'PODS'],
    rows: rows.map((row) => {
      const { node, schedulable, cpu, memory, pods } = row
      const cordoned = schedulable ? '' : theme.warn(' cordoned')
      const state = `${nodeText(row, theme)}${cordoned}`
      return { name: node, cells: [node, state, share(cpu), share(memory), String(pods)] }
    }),
  }
}

function nodeText({ ready, joining }: Picture['nodes'][number], theme: Theme): string {
  if (ready) return theme.good(`${symbols.good} ready`)
  return joining ? theme.warn(`${symbols.running} joining`) : theme.bad(`${symbols.bad} not ready`)
}

function warnings({ warnings: rows }: Picture): Section {
  return {
    title: 'RECENT WARNINGS',
    sources: ['events'],
    head: ['AGE', 'OBJECT', 'REASON', 'TIMES', 'MESSAGE'],
    rows: rows.map(({ age, object, reason, count: times, message }) => ({
      name: object,
      cells: [formatAge(age), object, reason, String(times), clean(message)],
    })),
  }
}

/** What is not up to date, and why; undefined where all is. @param now epoch milliseconds */
export function sourcesText({ sources }: Picture, theme: Theme, now: number): string | undefined {
  const parts = sources.flatMap(({ name, state, at, error }) => {
    const why = error ? `: ${clean(error)}` : ''
    if (state === 'denied') return [`${name} not evaluated${why}`]
    if (state === 'stale' || state === 'paused')
      return [`${name} STALE${at > 0 ? `, ${formatAge(now - at)} old` : ''}${why}`]
    return state === 'ok' && error ? [`${name}${why}`] : []
  })
  // All watches lose the same server: said once.
  const [first] = parts
  if (first === undefined) return undefined
  const more = parts.length > 1 ? ` (and ${parts.length - 1} more)` : ''
  return theme.warn(`${symbols.warn} ${first}${more}`)
}

/** The whole picture, once. */
export function pictureView(picture: Picture, theme: Theme): string {
  const { environment, namespace, health, pods } = picture
  const now = Date.parse(picture.at)
  const silent = contactText(picture)
  const head = `${theme.strong(environment)} ${healthText(health, theme)}${silent ? theme.warn(`  ${silent}`) : ''}${theme.faint(`  namespace ${namespace}, ${pods.ready}/${count(pods.total, 'pod')} ready`)}`
  const parts = sections(picture, theme).map(({ head: titles, rows }) =>
    table(
      titles,
      rows.map(({ cells }) => cells),
    ),
  )
  const stale = picture.sources.flatMap(
    (source) => sourcesText({ ...picture, sources: [source] }, theme, now) ?? [],
  )
  return [head, ...parts, ...(stale.length > 0 ? [stale.join('\n')] : [])].join('\n\n')
}

/** One line for a change, with its time in front. */
export function changeLine({ subject, name, before, after }: Change, at: string): string {
  const time = timestamp(at)
  const what = subject === 'health' ? name : `${subject} ${name}`
  if (after === undefined) return `${time} ${what}: gone (was ${clean(before ?? '')})`
  return `${time} ${what}: ${clean(after)}${before === undefined ? '' : ` (was ${clean(before)})`}`
}
