const SECOND_MS = 1_000

/** How a load keeps time; tests give a clock of their own. */
export interface Pace {
  /** Milliseconds, of a clock that only goes on. */
  now: () => number
  /** Until then, or until the load is ended. */
  until: (at: number) => Promise<void>
  isOver: () => boolean
}

/**
 * Makes so many changes each second until it is over. A second whose changes took longer is not made up for.
 * @returns how many changes it were, and how many in a second over the whole time
 */
export async function keepPace(
  perSecond: number,
  change: (number: number) => Promise<void>,
  { now, until, isOver }: Pace,
): Promise<{ changed: number; rate: number }> {
  const since = now()
  let [changed, next] = [0, since]
  let end = since
  while (!isOver()) {
    next = Math.max(next + SECOND_MS, now())
    await Promise.all(Array.from({ length: perSecond }, (_, index) => change(changed + index)))
    changed += perSecond
    await until(next)
    // The one that is cut short is counted as the whole second that its changes are for.
    end = Math.max(next, now())
  }
  return { changed, rate: changed === 0 ? 0 : changed / ((end - since) / SECOND_MS) }
}
