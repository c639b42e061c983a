import type { ReleaseSet } from '../../domain/release/release-set.ts'
import { isGood } from '../../domain/release/release-set.ts'
import type { KubernetesClient } from './client.ts'
import { releaseSetSchema } from './record-schemas.ts'
import { Records } from './records.ts'

/** Beyond this many, the oldest sets are removed; the newest good one always stays. */
const KEPT = 100

/** The release sets of an environment, kept in its namespace. Their ids sort by time. */
export class ReleaseSets {
  readonly #records: Records<ReleaseSet>

  constructor(client: KubernetesClient, namespace: string) {
    this.#records = new Records(client, namespace, 'release-set', releaseSetSchema)
  }

  /** Oldest first. */
  async list(signal: AbortSignal): Promise<ReleaseSet[]> {
    return this.#records.list(signal)
  }

  /** Writes a new set and removes those that are beyond the number kept. */
  async begin(set: ReleaseSet, signal: AbortSignal): Promise<void> {
    const known = await this.#records.list(signal)
    await this.#records.create(set.id, set, signal)
    const newestGood = known.findLast(isGood)
    const old = known.slice(0, Math.max(0, known.length + 1 - KEPT)).filter((each) => each !== newestGood)
    for (const { id } of old) await this.#records.remove(id, signal)
  }

  /** @throws {KubernetesApiError} 409 when another process has written the set */
  async update(set: ReleaseSet, signal: AbortSignal): Promise<void> {
    await this.#records.replace(set.id, set, signal)
  }
}
