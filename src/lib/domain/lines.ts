/** Characters of a line that people read; a whole line of a log may be megabytes. */
export const SHOWN_LENGTH = 4_096
/** Characters of any line. */
const MOST_LENGTH = 128 * 1024 * 1024

/**
 * Splits a stream of text into lines, in linear time whatever the length of a line. Of a line that is too long only the
 * beginning is kept, with `…` at its end, so memory is bounded too.
 */
export class LineSplitter {
  readonly #most: number
  #parts: string[] = []
  #kept = 0
  #length = 0

  /** @param most characters to keep of each line */
  constructor(most = MOST_LENGTH) {
    this.#most = most
  }

  /** @returns the lines that ended in this piece of the stream, without their ends */
  push(chunk: string): string[] {
    const lines: string[] = []
    let from = 0
    for (let end = chunk.indexOf('\n'); end >= 0; end = chunk.indexOf('\n', from)) {
      this.#add(chunk.slice(from, end))
      lines.push(this.#take())
      from = end + 1
    }
    this.#add(chunk.slice(from))
    return lines
  }

  /** @returns the last line, which may have no end; undefined where there is none */
  end(): string | undefined {
    return this.#length === 0 ? undefined : this.#take()
  }

  #add(text: string): void {
    this.#length += text.length
    if (this.#kept >= this.#most || text === '') return
    const part = text.slice(0, this.#most - this.#kept)
    this.#kept += part.length
    this.#parts.push(part)
  }

  #take(): string {
    const line = this.#parts.length === 1 ? (this.#parts[0] ?? '') : this.#parts.join('')
    const cut = this.#length - this.#kept
    this.#parts = []
    this.#kept = 0
    this.#length = 0
    return cut === 0 ? line : `${line}…`
  }
}
