import type { ReleaseSets } from '../../adapters/kubernetes/release-sets.ts'
import type { LiveStates, ReleaseSet } from '../../domain/release/release-set.ts'
import { afterChange, messageOf } from '../../errors.ts'

type Phase = ReleaseSet['phases'][number]

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
  readonly #problems: string[] = []

  constructor(ports: JournalPorts, set: ReleaseSet) {
    this.#ports = ports
    this.#set = set
  }

  get set(): ReleaseSet {
    return this.#set
  }

  /** What could not be written to the record, though the operation went on. */
  get problems(): string[] {
    return this.#problems
  }

  async begin(signal: AbortSignal): Promise<void> {
    await this.#ports.sets.begin(this.#set, signal)
  }

  /**
   * Runs a phase that makes the first changes of an operation: it starts only once that is on record, so that the
   * next operation knows of it whatever happens to this one. It may have phases within it.
   * @throws what kept it from the record; then the phase was not started
   */
  async phase<T>(name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const phase = this.#start(name)
    await this.write({ phases: [...this.#set.phases, phase] }, signal)
    return afterChange(`the phase '${name}' had begun`, () => this.#run(phase, signal, work))
  }

  /**
   * Runs a phase of an operation that has changed something. Its outcome does not depend on the record: what could
   * not be written is among the problems.
   */
  async laterPhase<T>(name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const phase = this.#start(name)
    await this.#note({ phases: [...this.#set.phases, phase] }, signal)
    return this.#run(phase, signal, work)
  }

  async #run<T>(phase: Phase, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const result = await work()
    if (!signal.aborted) {
      const endedAt = this.#time()
      const phases = this.#set.phases.map((each) => (each === phase ? { ...each, endedAt } : each))
      await this.#note({ phases }, signal)
    }
    return result
  }

  async #note(facts: Partial<ReleaseSet>, signal: AbortSignal): Promise<void> {
    await this.write(facts, signal).catch((error: unknown) => {
      this.#problems.push(`the record could not be written: ${messageOf(error)}`)
    })
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

  #start(name: string): Phase {
    return { name, startedAt: this.#time() }
  }

  #time(): string {
    return new Date(this.#ports.now()).toISOString()
  }
}
