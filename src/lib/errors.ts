import { closestMatch } from 'leven'

/** Exit codes of every command; documented in README and printed by `emr --help`. */
export const ExitCode = {
  ok: 0,
  failed: 1,
  usage: 2,
  config: 3,
  preflight: 4,
  tool: 5,
  rolledBack: 6,
  rolloutFailed: 7,
  locked: 8,
  timeout: 9,
  changes: 10,
  interrupted: 130,
} as const

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

export interface ErrorOptions {
  /** Stable identifier for scripts, for example `CONFIG_INVALID`. */
  code: string
  exitCode: ExitCode
  /** What to type or change next, most useful first. */
  suggestions?: string[]
  /** Machine-readable facts; part of the JSON error document. Never a secret. */
  details?: Record<string, unknown>
  cause?: unknown
}

/**
 * An error that the user can act on: what failed (message), why (message, details) and what to do next
 * (suggestions). Anything else that reaches the base command is a bug in emr.
 */
export class EmrError extends Error {
  readonly code: string
  readonly exitCode: ExitCode
  readonly suggestions: string[]
  readonly details: Record<string, unknown>

  constructor(message: string, options: ErrorOptions) {
    super(message, { cause: options.cause })
    this.name = 'EmrError'
    this.code = options.code
    this.exitCode = options.exitCode
    this.suggestions = options.suggestions ?? []
    this.details = options.details ?? {}
  }
}

/** The user or the CI system asked the command to stop. */
export class InterruptedError extends EmrError {
  constructor(
    message = 'Interrupted',
    details: Record<string, unknown> = {},
    suggestions: string[] = [],
    cause?: unknown,
  ) {
    super(message, { code: 'INTERRUPTED', exitCode: ExitCode.interrupted, details, suggestions, cause })
  }
}

const changes = new WeakMap<object, string>()

/**
 * Runs what follows once something was changed. Exit code 4 says that nothing was: an error that comes from here ends
 * with another one, and says what had been done, wherever it was thrown (output/error-view.ts).
 * @param what was changed, as a sentence: `the infrastructure was applied`
 */
export async function afterChange<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    // The innermost change is the nearest one; the others are added by what called it.
    const inner = changeBefore(error)
    if (typeof error === 'object' && error !== null)
      changes.set(error, inner === undefined ? what : `${what}; ${inner}`)
    throw error
  }
}

/** What had been changed before an error, where anything had. */
export function changeBefore(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  // An error that says more of another one has it as its cause.
  return changes.get(error) ?? changeBefore((error as Error).cause)
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** What to type where an error lasts only until somebody has logged in again; undefined for any other. */
export function loginFor(error: unknown): string | undefined {
  if (!(error instanceof EmrError)) return undefined
  const { code, suggestions } = error
  return code.startsWith('CREDENTIALS') || code === 'CLUSTER_UNAUTHORIZED' ? suggestions[0] : undefined
}

/** The known name that a mistyped one most likely means, or undefined when none is close. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  // Not so far that nothing of what was typed is left.
  const maxDistance = Math.min(name.length - 1, Math.max(2, Math.ceil(name.length / 3)))
  const match = closestMatch(name, [...known], { maxDistance })
  return match ?? known.find((candidate) => candidate.startsWith(name) || name.startsWith(candidate))
}
