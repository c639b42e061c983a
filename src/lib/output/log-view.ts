import type { LogEntry } from '../workflows/logs.ts'
import { clean } from './clean.ts'
import type { Theme } from './theme.ts'

/** One line for each entry, with its pod in front, in a colour that stays the pod's. */
export function logLine({ type, pod, container, text }: LogEntry, theme: Theme): string {
  // The container's name is told where the pod's does not.
  const name = clean(pod.startsWith(`${container}-`) ? pod : `${pod} ${container}`)
  const prefix = theme.prefix(name, hash(pod))
  return type === 'mark' ? theme.faint(`── ${name} ${clean(text)} ──`) : `${prefix} ${clean(text)}`
}

function hash(text: string): number {
  let value = 0
  for (const char of text) value = (value * 31 + char.charCodeAt(0)) >>> 0
  return value
}
