/**
 * Runs tasks, at most so many at a time and in their order. Thousands of requests at once would each open a
 * connection of their own.
 */
export class Limit {
  readonly #size: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(size: number) {
    this.#size = size
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#size) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#running += 1
    try {
      return await task()
    } finally {
      // The place goes to the next in line, or is free again.
      const next = this.#waiting.shift()
      if (next) next()
      else this.#running -= 1
    }
  }
}
