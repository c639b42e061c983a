import type { ApiObject } from '../../json.ts'

/** A column of `kubectl get`; those of priority 1 are shown with `-o wide`. */
export interface Column {
  name: string
  type: 'string' | 'integer'
  format: string
  description: string
  priority: number
}

export type Cell = string | number | boolean | null

/** How a kind is printed. Columns and cells are those of pkg/printers/internalversion/printers.go. */
export interface Printer<T = ApiObject> {
  columns: Column[]
  cells: (object: T) => Cell[]
}

/** Columns by name; a leading `+` marks one for `-o wide`, a leading `#` one that holds a number. */
export function columns(...names: string[]): Column[] {
  return names.map((text) => {
    const name = text.replace(/^[+#]*/, '')
    const mark = text.slice(0, text.length - name.length)
    return {
      name,
      type: mark.includes('#') ? 'integer' : 'string',
      format: name === 'Name' ? 'name' : '',
      description: '',
      priority: mark.includes('+') ? 1 : 0,
    }
  })
}

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** A duration as kubectl writes it; k8s.io/apimachinery/pkg/util/duration.HumanDuration. @param ms milliseconds */
export function humanDuration(ms: number): string {
  if (ms < -2 * SECOND) return '<invalid>'
  if (ms < 0) return '0s'
  const whole = (unit: number) => Math.floor(ms / unit)
  const pair = (unit: number, name: string, small: number, smallName: string) => {
    const rest = Math.floor((ms % unit) / small)
    return rest === 0 ? `${whole(unit)}${name}` : `${whole(unit)}${name}${rest}${smallName}`
  }
  if (ms < 2 * MINUTE) return `${whole(SECOND)}s`
  if (ms < 10 * MINUTE) return pair(MINUTE, 'm', SECOND, 's')
  if (ms < 3 * HOUR) return `${whole(MINUTE)}m`
  if (ms < 8 * HOUR) return pair(HOUR, 'h', MINUTE, 'm')
  if (ms < 2 * DAY) return `${whole(HOUR)}h`
  if (ms < 8 * DAY) return pair(DAY, 'd', HOUR, 'h')
  if (ms < 2 * 365 * DAY) return `${whole(DAY)}d`
  if (ms < 8 * 365 * DAY) return pair(365 * DAY, 'y', DAY, 'd')
  return `${whole(365 * DAY)}y`
}

/** The time since a moment, `<unknown>` where there is none. */
export function age(time: string | undefined | null): string {
  return time ? humanDuration(Date.now() - Date.parse(time)) : '<unknown>'
}

export function labelsText(labels: Record<string, string> | undefined): string {
  const entries = Object.entries(labels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
  return entries.length === 0 ? '<none>' : entries.map(([key, value]) => `${key}=${value}`).join(',')
}

export function orNone(text: string | undefined): string {
  return text ? text : '<none>'
}
