import { timestamp } from '../timestamp.ts'

/** One line of a container's log. */
export interface LogLine {
  /** As the kubelet wrote it, in nanoseconds. */
  time: string
  text: string
}

const MILLION = 1_000_000n
/** Lines of stdout and stderr may stand a little out of order; beyond this, older means known. */
const WINDOW = 2_000n * MILLION

/**
 * Where in one container's log the reader is. Logs can only be asked for by the second, so after a reconnect lines come
 * twice; what was seen lately is remembered to tell them from equal lines that are new.
 */
export class LogCursor {
  #newest = 0n
  /** Lines within the window: how often each was seen. */
  #recent: { at: bigint; key: string }[] = []
  /** While catching up: how often each line of the window may still come again. */
  #again: Map<string, number> | undefined

  /** From when to ask; undefined before the first line. */
  get since(): string | undefined {
    if (this.#newest === 0n) return undefined
    return timestamp(Number((this.#newest - WINDOW) / MILLION))
  }

  /** To be called before the log is read anew. */
  catchUp(): void {
    if (this.#newest === 0n) return
    this.#again = new Map()
    for (const { key } of this.#recent) this.#again.set(key, (this.#again.get(key) ?? 0) + 1)
  }

  /** @param raw a line that begins with its time @returns undefined where it was read before */
  take(raw: string): LogLine | undefined {
    const space = raw.indexOf(' ')
    const time = space < 0 ? raw : raw.slice(0, space)
    const at = nanoseconds(time)
    // Some runtimes cut a long line into parts, of which only the first has a time.
    if (at === undefined) return { time: '', text: raw }
    const text = space < 0 ? '' : raw.slice(space + 1)
    if (this.#again !== undefined && this.#isKnown(at, raw)) return undefined
    this.#remember(at, raw)
    return { time, text }
  }

  #isKnown(at: bigint, key: string): boolean {
    if (at < this.#newest - WINDOW) return true
    const left = this.#again?.get(key) ?? 0
    if (left === 0) return false
    this.#again?.set(key, left - 1)
    return true
  }

  #remember(at: bigint, key: string): void {
    if (at > this.#newest) this.#newest = at
    this.#recent.push({ at, key })
    // Dropped in bulk: one look at the list for many lines.
    if (this.#recent.length % 64 === 0) {
      this.#recent = this.#recent.filter((line) => line.at >= this.#newest - WINDOW)
    }
  }
}

/** RFC 3339 with up to nine digits of a second. */
function nanoseconds(text: string): bigint | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text)
  if (match === null) return undefined
  const [, seconds, fraction = '', zone] = match
  return BigInt(Date.parse(`${seconds}${zone}`)) * MILLION + BigInt(fraction.padEnd(9, '0'))
}
