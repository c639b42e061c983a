import { formatDuration } from '../../domain/duration.ts'
import { EmrError, ExitCode } from '../../errors.ts'
import type { ToolError } from '../../process/runner.ts'
import { type Diagnostic, parseEvent } from './events.ts'

/** Who holds the state, as Terraform wrote it into the lock. */
export interface StateLock {
  id: string
  /** `user@host` */
  who: string
  /** `OperationTypeApply` and others. */
  operation: string
  /** Epoch milliseconds. */
  since: number
}

/** How to run terraform by hand as emr does: `terraform -chdir=… ` with its variables before it. */
export type ByHand = (args: string) => string

/**
 * What terraform said when it failed, as an error that says what to do.
 * @param doing as in "plan the infrastructure of production"
 * @param now epoch milliseconds
 */
export function terraformError(error: ToolError, doing: string, byHand: ByHand, now: number): EmrError {
  const diagnostics = diagnosticsOf(error)
  const text = diagnostics.map(diagnosticText).join('\n') || error.result.stderr.trim() || error.message
  const lock = parseLock(`${text}\n${error.result.stderr}`)
  if (lock !== undefined) return lockedError(lock, doing, byHand, now)
  return new EmrError(`Terraform cannot ${doing}:\n${indented(text)}`, {
    code: 'TERRAFORM_FAILED',
    exitCode: ExitCode.tool,
    suggestions: suggestionsFor(text),
    details: { diagnostics },
    cause: error,
  })
}

function lockedError(lock: StateLock, doing: string, byHand: ByHand, now: number): EmrError {
  const age = formatDuration(Math.max(0, now - lock.since))
  const operation = lock.operation.replace(/^OperationType/, '').toLowerCase()
  return new EmrError(
    `Cannot ${doing}: the state is locked by ${lock.who} since ${age} (${operation || 'lock'} ${lock.id})`,
    {
      code: 'STATE_LOCKED',
      exitCode: ExitCode.locked,
      suggestions: [
        'wait until that run has ended',
        `or, when it is dead: ${byHand(`force-unlock -force ${lock.id}`)}`,
      ],
      details: { ...lock, since: new Date(lock.since).toISOString(), ageMs: now - lock.since },
    },
  )
}

/** The errors among the lines of `-json`; commands without it write plain text. */
function diagnosticsOf({ result }: ToolError): Diagnostic[] {
  return result.stdout.split('\n').flatMap((line) => {
    const event = parseEvent(line)
    return event?.kind === 'diagnostic' && event.diagnostic.severity === 'error' ? [event.diagnostic] : []
  })
}

function diagnosticText({ summary, detail, where }: Diagnostic): string {
  return [`${summary}${where === undefined ? '' : ` (${where})`}`, detail].filter(Boolean).join('\n')
}

/** Terraform's "Lock Info" block, which stands in the text of the error. */
export function parseLock(text: string): StateLock | undefined {
  if (!text.includes('Lock Info:')) return undefined
  const field = (name: string) => new RegExp(`^[ \\t│]*${name}:(.*)$`, 'm').exec(text)?.[1]?.trim() ?? ''
  // Go's format: 2026-11-24 07:22:49.123456 +0000 UTC
  const since = Date.parse(
    field('Created')
      .slice(0, 64)
      .replace(/^(\S+) (\S+?)(\.\d{1,3})?\d* \+0000 UTC.*$/, '$1T$2$3Z'),
  )
  return {
    id: field('ID'),
    who: field('Who'),
    operation: field('Operation'),
    since: Number.isNaN(since) ? 0 : since,
  }
}

function suggestionsFor(text: string): string[] {
  if (/Failed to query available provider packages|could not connect to registry/i.test(text)) {
    return [
      'give Terraform a way to the registry, or a provider mirror: see docs/infrastructure.md, "Without a registry"',
    ]
  }
  if (/lock file|does not match any of the checksums/i.test(text)) {
    return ['terraform providers lock, for the platform of this machine']
  }
  return []
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '  ')
}
