import {
  closeSync,
  copyFileSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  truncateSync,
  writeSync,
} from 'node:fs'

/** One line of the journal: an object as it became, or the key of one that went. */
export type JournalLine =
  | { collection: string; object: unknown }
  | { collection: string; deleted: string; revision: number }
  | { revision: number }

/**
 * An append-only file, one JSON document per line. A line is handed to the operating system before the change is
 * answered, so killing the process loses nothing; only losing the machine can. A torn last line is cut off; a line
 * that somebody damaged is left out, and the file as it was is kept as `….broken`.
 */
export class Journal {
  readonly #file: string
  #descriptor: number
  #lines = 0
  #damaged = 0

  private constructor(file: string) {
    this.#file = file
    this.#descriptor = openSync(file, 'a')
  }

  /** Opens the file and gives each of its lines to `replay`. */
  static open(file: string, replay: (line: JournalLine) => void): Journal {
    const journal = new Journal(file)
    const bytes = readFileSync(file)
    let start = 0
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
      const line = parseLine(bytes.toString('utf8', start, end))
      if (line === undefined) journal.#damaged += 1
      else replay(line)
      journal.#lines += 1
      start = end + 1
    }
    if (journal.#damaged > 0) copyFileSync(file, brokenCopy(file))
    if (start < bytes.length) truncateSync(file, start)
    return journal
  }

  /** The number of lines that could not be read when the file was opened. */
  get damaged(): number {
    return this.#damaged
  }

  /** The number of lines, dead ones included. */
  get lines(): number {
    return this.#lines
  }

  put(collection: string, json: string): void {
    this.#append(`{"collection":"${collection}","object":${json}}\n`)
  }

  delete(collection: string, key: string, revision: number): void {
    this.#append(`${JSON.stringify({ collection, deleted: key, revision })}\n`)
  }

  /** Replaces the file by one that holds only what is alive; either the old or the new one is there, never half. */
  compact(revision: number, alive: Iterable<{ collection: string; json: string }>): void {
    const draft = `${this.#file}.compact`
    const descriptor = openSync(draft, 'w')
    writeSync(descriptor, `${JSON.stringify({ revision })}\n`)
    let lines = 1
    for (const { collection, json } of alive) {
      writeSync(descriptor, `{"collection":"${collection}","object":${json}}\n`)
      lines += 1
    }
    fsyncSync(descriptor)
    closeSync(descriptor)
    closeSync(this.#descriptor)
    renameSync(draft, this.#file)
    this.#descriptor = openSync(this.#file, 'a')
    this.#lines = lines
  }

  close(): void {
    closeSync(this.#descriptor)
  }

  #append(line: string): void {
    writeSync(this.#descriptor, line)
    this.#lines += 1
  }
}

/** Where the file is kept as it was when damaged lines were found in it. */
export function brokenCopy(file: string): string {
  return `${file}.broken`
}

function parseLine(text: string): JournalLine | undefined {
  try {
    return JSON.parse(text) as JournalLine
  } catch {
    return undefined
  }
}
