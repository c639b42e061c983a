import { dirname } from 'node:path'
import { withoutValues } from '../domain/row-values.ts'
import { changeBefore, EmrError, ExitCode, InterruptedError, messageOf } from '../errors.ts'
import { fileFault } from '../files.ts'
import { symbols, stderrTheme as theme } from './theme.ts'

/** What `--json` prints for a command that failed. */
export interface ErrorDocument {
  error: {
    code: string
    message: string
    exitCode: number
    suggestions: string[]
    details: Record<string, unknown>
  }
}

/**
 * Anything that was thrown, as an error that can be shown. After an interrupt it is the interruption, whatever the
 * stopped work threw; else what is no EmrError is a bug of emr, and says so.
 */
export function asEmrError(error: unknown, interrupt?: AbortSignal): EmrError {
  const shown = shownAs(error, interrupt)
  const changed = changeBefore(error)
  return changed === undefined ? shown : withChange(shown, changed)
}

/** Exit code 4 is a promise that nothing was changed. */
function withChange(
  { message, code, exitCode, suggestions, details, cause }: EmrError,
  changed: string,
): EmrError {
  return new EmrError(`${message}\n  ${'before'.padEnd(10)} ${changed}`, {
    code,
    exitCode: exitCode === ExitCode.preflight ? ExitCode.failed : exitCode,
    suggestions,
    details: { ...details, changed },
    cause,
  })
}

function shownAs(error: unknown, interrupt?: AbortSignal): EmrError {
  if (interrupt?.aborted) return asInterruption(error, interrupt)
  if (error instanceof EmrError) return withoutValuesOfCause(error)
  const fault = fileFault(error)
  if (fault !== undefined && isOfEnvironment(error)) {
    const { path } = error
    return new EmrError(
      path === undefined ? 'A folder is named where a file is needed' : `${path}: ${fault}`,
      {
        code: 'FILE_SYSTEM',
        exitCode: ExitCode.preflight,
        suggestions: [fileAdvice(error)],
        cause: error,
      },
    )
  }
  if (isOfDatabase(error)) {
    const { table, column, constraint } = error
    return new EmrError(`The database server refused: ${safeMessage(error)}`, {
      code: 'DATABASE_REFUSED',
      exitCode: ExitCode.tool,
      suggestions: error.code === INSUFFICIENT_PRIVILEGE ? [ROLE_ADVICE] : [],
      details: { sqlState: error.code, table, column, constraint },
      cause: safeCause(error),
    })
  }
  if ((error as NodeJS.ErrnoException)?.syscall === 'uv_cwd') {
    return new EmrError('The current directory does not exist any more', {
      code: 'FILE_SYSTEM',
      exitCode: ExitCode.preflight,
      suggestions: ['cd into a directory that exists'],
      cause: error,
    })
  }
  return new EmrError(`${messageOf(error)} (this is a bug in emr)`, {
    code: 'INTERNAL',
    exitCode: ExitCode.failed,
    suggestions: ['run it again with DEBUG=1 and report the stack'],
    cause: error,
  })
}

/**
 * A file that emr looked for itself and that is not there is its bug; a folder that cannot be made is not. Reading a
 * folder is the one fault that comes without its path.
 */
function isOfEnvironment(error: unknown): error is NodeJS.ErrnoException {
  const { code, syscall, path } = error as NodeJS.ErrnoException
  return path === undefined ? code === 'EISDIR' : code !== 'ENOENT' || syscall === 'mkdir'
}

/** SQLSTATE of what a role may not do. */
const INSUFFICIENT_PRIVILEGE = '42501'
const ROLE_ADVICE =
  'what the database role needs: docs/runbooks/backup-and-restore.md; or leave owners and grants out: --no-owner'

/** An answer of a PostgreSQL server in place of a result; its `detail` and `hint` are of values and are never shown. */
interface DatabaseError extends Error {
  code: string
  table?: string
  column?: string
  constraint?: string
  /** The functions in which it happened. */
  where?: string
}

/** Without what may be of a patient; what a function of the database raises is in words that nobody knows. */
function safeMessage({ message, code, where = '' }: DatabaseError): string {
  return / at RAISE$/m.test(where) ? `a function of the database raised ${code}` : withoutValues(message)
}

/** Its stack, for DEBUG. */
function safeCause(error: DatabaseError): Error {
  const safe = new Error(safeMessage(error))
  safe.stack = error.stack?.replace(error.message, () => safe.message)
  return safe
}

/** Whoever says more of an error of the database quotes its message. */
function withoutValuesOfCause(error: EmrError): EmrError {
  const { cause, code, exitCode, suggestions, details } = error
  if (!isOfDatabase(cause)) return error
  const message = error.message.replaceAll(cause.message, () => safeMessage(cause))
  return new EmrError(message, { code, exitCode, suggestions, details, cause: safeCause(cause) })
}

function isOfDatabase(error: unknown): error is DatabaseError {
  if (!(error instanceof Error)) return false
  const { code, severity } = error as { code?: unknown; severity?: unknown }
  return typeof severity === 'string' && /^[0-9A-Z]{5}$/.test(String(code))
}

function fileAdvice({ code, path }: NodeJS.ErrnoException): string {
  if (path === undefined) return 'look at the files that the command line and emr.config.yaml name'
  // Of what could not be made there is nothing to look at.
  if (code === 'ENOENT' || code === 'EROFS') return 'make it writable, or work in a copy of the project'
  return `look at it: ls -ld ${dirname(path)}`
}

function asInterruption(error: unknown, { reason }: AbortSignal): EmrError {
  if (error instanceof InterruptedError) return error
  const details = error instanceof EmrError ? error.details : {}
  const cause = error instanceof EmrError ? withoutValuesOfCause(error) : error
  return new InterruptedError(messageOf(reason), details, [], isOfDatabase(cause) ? safeCause(cause) : cause)
}

export function errorDocument({ code, message, exitCode, suggestions, details }: EmrError): ErrorDocument {
  return { error: { code, message, exitCode, suggestions, details } }
}

/** The error for people: what failed, then what to type. */
export function errorView(error: EmrError, debug: boolean): string {
  const [first = '', ...rest] = error.message.split('\n')
  const lines = [`${theme.bad(`${symbols.bad} ${first}`)}`, ...rest]
  for (const suggestion of error.suggestions) lines.push(`  ${theme.faint('→')} ${suggestion}`)
  if (debug) lines.push(stackOf(error))
  return lines.join('\n')
}

function stackOf(error: EmrError): string {
  const cause = error.cause instanceof Error ? error.cause.stack : undefined
  return theme.faint([error.stack, cause].filter(Boolean).join('\n'))
}
