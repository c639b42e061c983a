import { digest } from '../../digest.ts'
import { type AuditEntry, CHAIN_START, canonical } from '../../domain/release/audit.ts'
import { EmrError, ExitCode } from '../../errors.ts'
import type { KubernetesClient } from './client.ts'
import { auditEntrySchema } from './record-schemas.ts'
import { Records } from './records.ts'

const ATTEMPTS = 20

/** The environment's write operations, one immutable ConfigMap each, chained by their hashes. */
export class AuditLog {
  readonly #records: Records<AuditEntry>

  constructor(client: KubernetesClient, namespace: string) {
    this.#records = new Records(client, namespace, 'audit', auditEntrySchema)
  }

  /** Oldest first. */
  async entries(signal: AbortSignal): Promise<AuditEntry[]> {
    const entries = await this.#records.list(signal)
    return entries.sort((a, b) => a.sequence - b.sequence)
  }

  /** Adds an entry after the newest. Two writers at once get two numbers: a number can be taken only once. */
  async append(
    facts: Omit<AuditEntry, 'sequence' | 'previous' | 'hash'>,
    signal: AbortSignal,
  ): Promise<AuditEntry> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const last = (await this.entries(signal)).at(-1)
      // A lost answer of the API server: the entry is there already.
      if (last?.id === facts.id && last.operation === facts.operation) return last
      const linked = { ...facts, sequence: (last?.sequence ?? 0) + 1, previous: last?.hash ?? CHAIN_START }
      const entry = { ...linked, hash: digest(canonical(linked)) }
      const name = String(entry.sequence).padStart(6, '0')
      if (await this.#records.create(name, entry, signal, { immutable: true })) return entry
    }
    throw new EmrError('The audit log is written to by too many at once', {
      code: 'AUDIT_BUSY',
      exitCode: ExitCode.tool,
    })
  }
}
