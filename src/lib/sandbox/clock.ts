/** Turns seconds of cluster time into real ones. Timestamps are always real; only waiting is shortened. */
export class Clock {
  readonly #speed: number

  /** @param speed seconds of cluster time per second */
  constructor(speed: number) {
    this.#speed = speed
  }

  /** Real milliseconds for seconds of cluster time. */
  milliseconds(clusterSeconds: number): number {
    return (clusterSeconds * 1000) / this.#speed
  }

  /** Seconds of cluster time since a real moment in milliseconds. */
  since(milliseconds: number): number {
    return ((Date.now() - milliseconds) * this.#speed) / 1000
  }
}
