import { type Picture, silentSeconds } from './picture.ts'
import { readyText, type ServiceRow } from './rows.ts'

/** One thing that is other than before. */
export interface Change {
  subject:
    | 'health'
    | 'service'
    | 'pod'
    | 'node'
    | 'network'
    | 'operation'
    | 'version'
    | 'warning'
    | 'database'
    | 'alarm'
    | 'source'
  name: string
  /** Absent for what is new. */
  before?: string
  /** Absent for what is gone. */
  after?: string
}

/** A line of `--output ndjson`: the whole picture first, then what changes. */
export type MonitorEvent =
  | ({ type: 'picture' } & Picture)
  /** `at`: ISO 8601 */
  | ({ type: 'change'; at: string } & Change)

/**
 * What a reader of lines would want to know; ages and usage always change, and are not told.
 * @param podStates of the pods that there are now, by name: one that has left those that are not well is well, or gone
 */
export function changesBetween(
  before: Picture | undefined,
  after: Picture,
  podStates: () => ReadonlyMap<string, string>,
): Change[] {
  const subjects = new Map<Change['subject'], (picture: Picture) => [string, string][]>([
    [
      'source',
      (p) => [
        ['API server', contactText(p)],
        ...p.sources.map(({ name, state, error }): [string, string] => [
          name,
          error ? `${state}: ${error}` : state,
        ]),
      ],
    ],
    ['service', (p) => p.services.map((row) => [row.service, serviceText(row)])],
    ['pod', (p) => p.troubled.map(({ pod, reason, restarts }) => [pod, restartsText(reason, restarts)])],
    ['node', (p) => p.nodes.map((row) => [row.node, nodeText(row)])],
    ['network', (p) => p.unreached.map(({ object, message }) => [object, message])],
    ['operation', (p) => p.unfinished.map((each) => [each.id, unfinishedText(each)])],
    ['version', (p) => p.unexplained.map(({ service, message }) => [service, message])],
    ['database', (p) => p.databases.map(({ id, status }) => [id, status])],
    ['alarm', (p) => p.alarms.map(({ name, state }) => [name, state])],
    ['health', (p) => [[p.environment, p.health]]],
  ])
  return [...subjects].flatMap(([subject, rows]) => {
    const old = new Map(before ? rows(before) : [])
    const now = new Map(rows(after))
    const changed = [...now].filter(([name, text]) => old.get(name) !== text && isNews(old.get(name), text))
    const gone = [...old.keys()].filter((name) => !now.has(name))
    const states = subject === 'pod' && gone.length > 0 ? podStates() : undefined
    return [
      ...changed.map(([name, text]) => ({ subject, name, before: old.get(name), after: text })),
      ...gone.map((name) => ({ subject, name, before: old.get(name), after: states?.get(name) })),
    ]
  })
}

/** That a source is read for the first time is how it should be. */
function isNews(before: string | undefined, after: string): boolean {
  return !(after === 'loading' || (after === 'ok' && (before === undefined || before === 'loading')))
}

/** The moment, and not the age: that changes with every look. */
function contactText(picture: Picture): string {
  if (picture.lastContact === undefined) return 'loading'
  return silentSeconds(picture) === undefined ? 'ok' : `silent, last contact ${picture.lastContact}`
}

function unfinishedText({ message, resolve }: Picture['unfinished'][number]): string {
  return `${message}; to go on: ${resolve.join(', or ')}`
}

function serviceText(row: ServiceRow): string {
  return `${row.state} ${readyText(row)}${row.version ? ` ${row.version}` : ''}`
}

function restartsText(reason: string, restarts: number): string {
  return restarts === 0 ? reason : `${reason}, ${restarts === 1 ? '1 restart' : `${restarts} restarts`}`
}

function nodeText({ ready, joining, schedulable }: Picture['nodes'][number]): string {
  return `${ready ? 'ready' : joining ? 'joining' : 'not ready'}${schedulable ? '' : ', cordoned'}`
}
