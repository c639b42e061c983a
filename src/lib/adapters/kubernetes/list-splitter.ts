const [QUOTE, BACKSLASH, OPEN, CLOSE, OPEN_LIST, CLOSE_LIST] = Buffer.from('"\\{}[]')

const WORD_BYTES = 64

/**
 * Takes the JSON of a Kubernetes list apart while it arrives. A page of 500 pods is megabytes as one text and more as
 * objects; item by item, nothing of it grows old.
 */
export class ListSplitter {
  /** All but the items: kind and metadata. */
  readonly #rest: Buffer[] = []
  /** The beginning of an item whose end has not arrived. */
  #item: Buffer[] = []
  #depth = 0
  #inString = false
  #escaped = false
  #inItems = false

  /** @returns the items that ended in this chunk, each as JSON */
  push(chunk: Buffer): string[] {
    const ended: string[] = []
    /** Where that begins in this chunk which is not put away yet: an item, or a part of the rest. */
    let from = 0
    for (let index = 0; index < chunk.length; index += 1) {
      const step = this.#read(chunk[index] ?? 0)
      if (step === 'item') from = index
      else if (step === 'list' && this.#isItems(chunk.subarray(from, index))) {
        this.#rest.push(chunk.subarray(from, index + 1))
        this.#inItems = true
      } else if (step === 'item end') {
        ended.push(this.#whole(chunk, from, index + 1))
      } else if (step === 'items end') {
        this.#inItems = false
        from = index
      }
    }
    if (!this.#inItems) this.#rest.push(chunk.subarray(from))
    else if (this.#depth > 2) this.#item.push(chunk.subarray(from))
    return ended
  }

  /** The list without its items. @throws {SyntaxError} when the answer ended early */
  end<T>(): T {
    return JSON.parse(Buffer.concat(this.#rest).toString('utf8')) as T
  }

  /** Most items lie in one chunk, and are not copied. */
  #whole(chunk: Buffer, from: number, to: number): string {
    if (this.#item.length === 0) return chunk.toString('utf8', from, to)
    const bytes = Buffer.concat([...this.#item, chunk.subarray(from, to)])
    this.#item = []
    return bytes.toString('utf8')
  }

  /** What begins or ends with this byte. */
  #read(byte: number): 'item' | 'list' | 'item end' | 'items end' | undefined {
    if (this.#inString || byte === QUOTE) this.#readString(byte)
    else if (byte === OPEN || byte === OPEN_LIST) {
      this.#depth += 1
      if (this.#inItems && this.#depth === 3) return 'item'
      if (!this.#inItems && this.#depth === 2 && byte === OPEN_LIST) return 'list'
    } else if (byte === CLOSE || byte === CLOSE_LIST) {
      this.#depth -= 1
      if (this.#inItems && this.#depth === 2) return 'item end'
      if (this.#inItems && this.#depth === 1) return 'items end'
    }
    return undefined
  }

  #readString(byte: number): void {
    if (this.#escaped) this.#escaped = false
    else if (byte === BACKSLASH) this.#escaped = true
    else if (byte === QUOTE) this.#inString = !this.#inString
  }

  #isItems(before: Buffer): boolean {
    // What stands right before it; a server that puts more space in between gets its list parsed as a whole.
    const near = [before]
    for (let at = this.#rest.length - 1, bytes = before.length; at >= 0 && bytes < WORD_BYTES; at -= 1) {
      const piece = this.#rest[at] as Buffer
      near.unshift(piece)
      bytes += piece.length
    }
    const last = Buffer.concat(near.map((piece) => piece.subarray(-WORD_BYTES)))
    return /"items"\s*:\s*$/.test(last.toString('latin1'))
  }
}
