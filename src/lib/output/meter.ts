import { formatDuration } from '../domain/duration.ts'
import { formatSize } from '../domain/size.ts'

/** In a terminal the line is redrawn; elsewhere each one stays. */
const TERMINAL_MS = 250
const LOG_MS = 10_000

/**
 * How far long work is: its step, the bytes that have passed, their rate, and, where its size can be estimated, the time that
 * is left. An incremental's size cannot: the log has full pages, indexes and vacuum in it, many times what is stored, and a time
 * that is wrong by that is worse than none.
 */
export class Meter {
  #title = ''
  #bytes = 0
  #total: number | undefined
  #shownAt = 0
  #startedAt: number
  readonly #show: (text: string) => void
  readonly #everyMs: number
  readonly #now: () => number

  constructor(show: (text: string) => void, { terminal, now }: { terminal: boolean; now: () => number }) {
    this.#show = show
    this.#everyMs = terminal ? TERMINAL_MS : LOG_MS
    this.#now = now
    this.#startedAt = now()
  }

  step(title: string): void {
    this.#title = title
    this.#shownAt = this.#now()
    this.#show(title)
  }

  /**
   * Work of this size begins; what passed before belongs to other work, such as the backup that a drill then restores.
   * @param bytes an estimate; undefined where nobody can know
   */
  total(bytes: number | undefined): void {
    this.#total = bytes
    this.#bytes = 0
    this.#startedAt = this.#now()
  }

  /** More bytes have passed. */
  add(bytes: number): void {
    this.#bytes += bytes
    if (this.#now() - this.#shownAt < this.#everyMs) return
    this.#shownAt = this.#now()
    this.#show(`${this.#title}: ${this.text()}`)
  }

  /** `1.2 GB of about 4.0 GB, 31 MB/s, 1 m 30 s left` */
  text(): string {
    const seconds = Math.max(0.001, (this.#now() - this.#startedAt) / 1000)
    const rate = this.#bytes / seconds
    const speed = `${formatSize(rate)}/s`
    // An estimate that was passed tells nothing any more.
    if (this.#total === undefined || this.#bytes >= this.#total) return `${formatSize(this.#bytes)}, ${speed}`
    const left = rate > 0 ? `, ${formatDuration(((this.#total - this.#bytes) / rate) * 1000)} left` : ''
    return `${formatSize(this.#bytes)} of about ${formatSize(this.#total)}, ${speed}${left}`
  }
}
