import type { EventFacts } from './facts.ts'

/** The last of the events that are wanted. */
export function latest(
  events: readonly EventFacts[],
  wanted: (event: EventFacts) => boolean,
): EventFacts | undefined {
  return events
    .filter(wanted)
    .reduce<EventFacts | undefined>((a, b) => (a && a.at >= b.at ? a : b), undefined)
}

/** Those of one container; what names none may be about any. */
export function ofContainer(events: readonly EventFacts[], name: string): EventFacts[] {
  return events.filter(({ container = name }) => container === name)
}
