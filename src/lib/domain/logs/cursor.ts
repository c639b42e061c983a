import { timestamp } from '../timestamp.ts'

/** One line of a container's log. */
export interface LogLine {
  /** As the kubelet wrote it, in nanoseconds. */
  time: string
  text: string
}

/** Lines of stdout and stderr may stand a little out of order; beyond this, older means known. */
const WINDOW_MS = 2_000

const PRUNE = 128
/** Remembered lines: enough for what a server repeats, and bounded where a container writes a lot at once. */
const MOST = 8_192

/**
 * Where in one container's log the reader is. Logs can only be asked for by the second, so after a reconnect lines come
 * twice; what was seen lately is remembered to tell them from equal lines that are new.
 */
export class LogCursor {
  #newest = 0
  /** Older lines than this are known. */
  #floor = 0
  /** Lines within the window, the last ones of them where there are many. */
  #recent: { at: number; key: number }[] = []
  #pruneAt = PRUNE
  /** While catching up: how often each line of the window may still come again. */
  #again: Map<number, number> | undefined

  /** From when to ask; undefined before the first line. */
  get since(): string | undefined {
    if (this.#newest === 0) return undefined
    return timestamp(this.#newest - WINDOW_MS)
  }

  /** To be called before the log is read anew. */
  catchUp(): void {
    if (this.#newest === 0) return
    this.#again = new Map()
    for (const { key } of this.#recent) this.#again.set(key, (this.#again.get(key) ?? 0) + 1)
  }

  /** @param raw a line that begins with its time @returns undefined where it was read before */
  take(raw: string): LogLine | undefined {
    const space = raw.indexOf(' ')
    const time = space < 0 ? raw : raw.slice(0, space)
    const at = milliseconds(time)
    // Some runtimes cut a long line into parts, of which only the first has a time.
    if (at === undefined) return { time: '', text: raw }
    const text = space < 0 ? '' : raw.slice(space + 1)
    const key = hash(raw)
    if (this.#again !== undefined && this.#isKnown(at, key)) return undefined
    this.#remember(at, key)
    return { time, text }
  }

  #isKnown(at: number, key: number): boolean {
    if (at < this.#newest - WINDOW_MS || at < this.#floor) return true
    const left = this.#again?.get(key) ?? 0
    if (left === 0) return false
    this.#again?.set(key, left - 1)
    return true
  }

  #remember(at: number, key: number): void {
    if (at > this.#newest) this.#newest = at
    this.#recent.push({ at, key })
    if (this.#recent.length < this.#pruneAt) return
    const oldest = this.#newest - WINDOW_MS
    this.#recent = this.#recent.filter((line) => line.at >= oldest)
    if (this.#recent.length > MOST) {
      this.#recent = this.#recent.slice(-MOST)
      this.#floor = this.#recent[0]?.at ?? 0
    }
    // One look at the list for as many lines again.
    this.#pruneAt = Math.max(PRUNE, this.#recent.length * 2)
  }
}

/** 53 bits of a line; whole lines would be held by the megabyte. */
function hash(text: string): number {
  let high = 0x9e3779b9
  let low = 0x85ebca6b
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i)
    high = Math.imul(high ^ code, 0x01000193)
    low = Math.imul(low ^ (high >>> 7) ^ code, 0x85ebca6b)
  }
  return (high >>> 11) * 2 ** 32 + (low >>> 0)
}

/** Most lines of a log are of the same second as the one before. */
const SECOND = { text: '', at: 0 }

/** RFC 3339 with up to nine digits of a second, as epoch milliseconds. */
function milliseconds(text: string): number | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/.exec(text)
  if (match === null) return undefined
  const [, seconds = '', fraction = '', zone = ''] = match
  const whole = seconds + zone
  if (SECOND.text !== whole) Object.assign(SECOND, { text: whole, at: Date.parse(whole) })
  return SECOND.at + (fraction === '' ? 0 : Number(fraction) * 1000)
}
