import type { ReleaseSets } from '../../adapters/kubernetes/release-sets.ts'
import type { LiveStates, ReleaseSet } from '../../domain/release/release-set.ts'

export interface JournalPorts {
  sets: Pick<ReleaseSets, keyof ReleaseSets>
  /** Throws when the environment's lock is not held any more. */
  confirm: () => Promise<void>
  /** Epoch milliseconds. */
  now: () => number
}

/** What an operation has done so far, written to the cluster before and after each of its phases. */
export class Journal {
  readonly #ports: JournalPorts
  #set: ReleaseSet

  constructor(ports: JournalPorts, set: ReleaseSet) {
    this.#ports = ports
    this.#set = set
  }

  get set(): ReleaseSet {
    return this.#set
  }

  async begin(signal: AbortSignal): Promise<void> {
    await this.#ports.sets.begin(this.#set, signal)
  }

  /**
   * Runs one phase, and has it on record that it started and, unless the process is killed, that it ended. It may have
   * phases within it.
   */
  async phase<T>(name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const phase = { name, startedAt: this.#time() }
    await this.write({ phases: [...this.#set.phases, phase] }, signal)
    const result = await work()
    if (!signal.aborted) {
      const endedAt = this.#time()
      const phases = this.#set.phases.map((each) => (each === phase ? { ...each, endedAt } : each))
      // The result is not lost where its record is, for example with the whole namespace; the end says so.
      await this.write({ phases }, signal).catch(() => undefined)
    }
    return result
  }

  /** Adds facts to the record. */
  async write(facts: Partial<ReleaseSet>, signal: AbortSignal): Promise<void> {
    this.#set = { ...this.#set, ...facts }
    await this.#ports.confirm()
    await this.#ports.sets.update(this.#set, signal)
  }

  /** Closes the record. @param live what the services are now */
  async end(
    facts: Pick<ReleaseSet, 'outcome' | 'proven' | 'restored' | 'failure'>,
    live: LiveStates,
    signal: AbortSignal,
  ): Promise<void> {
    const names = new Set([...Object.keys(this.#set.services), ...Object.keys(live)])
    const services = Object.fromEntries(
      [...names].map((name) => [name, { ...this.#set.services[name], after: live[name] }]),
    )
    await this.write({ ...facts, services, endedAt: this.#time() }, signal)
  }

  #time(): string {
    return new Date(this.#ports.now()).toISOString()
  }
}
