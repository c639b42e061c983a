import { setTimeout as delay } from 'node:timers/promises'
import type { Environment } from '../domain/environment.ts'
import { type Change, changesBetween } from '../domain/monitor/changes.ts'
import { type Picture, pictureOf } from '../domain/monitor/picture.ts'
import type { Sight } from '../domain/monitor/sight.ts'

/** How an environment is seen; the parts that change by themselves wake the monitor. */
export interface MonitorPorts {
  environment: Environment
  sight: () => Sight
  /** Resolves at the next change, or when nobody waits for it any more. */
  changed: (waiting: AbortSignal) => Promise<void>
  signal: AbortSignal
  /** Epoch milliseconds. */
  now: () => number
}

/** What a monitor waits for. */
export interface Goal {
  isMet: (picture: Picture) => boolean
  /** Milliseconds. */
  timeout: number
}

/** Changes that come together are told together. */
const GATHER_MS = 200
/** Ages pass, and so do patiences of rules. */
const TICK_MS = 1_000

export function look({
  environment,
  sight,
  now,
}: Pick<MonitorPorts, 'environment' | 'sight' | 'now'>): Picture {
  const { name, namespace, services, rollout } = environment
  return pictureOf(
    sight(),
    { environment: name, namespace, services: services.map((each) => each.name), rollout },
    now(),
  )
}

/** False while a part of the picture has never been seen, and nothing is known to be in its way. */
function isSeen({ sources }: Picture): boolean {
  return sources.length > 0 && sources.every(({ state }) => state !== 'loading')
}

/** Whether each part was seen, or never will be: what is only out of reach may come in a moment. */
export function isWhole({ sources }: Picture): boolean {
  return (
    sources.length > 0 && sources.every(({ state, at }) => state === 'denied' || state === 'paused' || at > 0)
  )
}

/**
 * Tells every change until the signal aborts or the goal is met.
 * @param onChange gets the first whole picture, with everything in it as a change, and then what differs
 * @returns true when the goal was met
 */
export async function follow(
  ports: MonitorPorts,
  onChange: (picture: Picture, changes: Change[]) => Promise<void> | void,
  isMet: Goal['isMet'] = () => false,
): Promise<boolean> {
  const { signal } = ports
  let told: Picture | undefined
  const podStates = () =>
    new Map([...(ports.sight().pods ?? [])].map(({ name, ready, phase }) => [name, ready ? 'ready' : phase]))
  while (!signal.aborted) {
    const picture = look(ports)
    const changes = told || isSeen(picture) ? changesBetween(told, picture, podStates) : []
    if (changes.length > 0) {
      await onChange(picture, changes)
      told = picture
    }
    if (told && isMet(picture)) return true
    await ports.changed(AbortSignal.any([signal, AbortSignal.timeout(TICK_MS)]))
    await delay(GATHER_MS, undefined, { signal }).catch(() => undefined)
  }
  return false
}
