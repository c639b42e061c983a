import { canonicalJson } from '../canonical-json.ts'
import type { Actor } from './release-set.ts'

/** One write operation, as it stays on record. */
export interface AuditEntry {
  /** Counted from 1, without gaps. */
  sequence: number
  /** Hash of the entry before; 64 zeros for the first. */
  previous: string
  id: string
  operation: string
  by: Actor
  startedAt: string
  durationMs: number
  /** What was asked for; never a secret. */
  request: Record<string, unknown>
  outcome: string
  /** SHA-256 of all the above as canonical JSON. */
  hash: string
}

export const CHAIN_START = '0'.repeat(64)

/** The text that is hashed: everything but the hash itself. */
export function canonical(entry: Omit<AuditEntry, 'hash'> & { hash?: string }): string {
  const { hash: _, ...rest } = entry
  return canonicalJson(rest)
}

/**
 * What is wrong with a chain of entries: changed, missing or out of order.
 * @param entries oldest first
 * @param head what is known of the newest entry from elsewhere: without it, entries cut off at the end go unnoticed
 */
export function chainProblems(
  entries: AuditEntry[],
  digest: (text: string) => string,
  head?: { sequence: number; hash: string },
): string[] {
  const problems: string[] = []
  let expected = { sequence: 1, previous: CHAIN_START }
  for (const entry of entries) {
    const { sequence, previous, hash } = entry
    if (sequence !== expected.sequence) {
      problems.push(
        sequence === expected.sequence + 1
          ? `entry ${expected.sequence} is missing`
          : `entries ${expected.sequence} to ${sequence - 1} are missing`,
      )
    } else if (previous !== expected.previous) {
      problems.push(`entry ${sequence} does not follow the one before it`)
    }
    if (digest(canonical(entry)) !== hash) problems.push(`entry ${sequence} was changed after it was written`)
    expected = { sequence: sequence + 1, previous: hash }
  }
  if (head === undefined) return problems
  const known = entries.find(({ sequence }) => sequence === head.sequence)
  if (known === undefined) problems.push(`entry ${head.sequence}, the newest that is known of, is missing`)
  else if (known.hash !== head.hash) problems.push(`entry ${head.sequence} is not the one that was written`)
  return problems
}
