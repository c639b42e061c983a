import { dirname } from 'node:path'
import { EmrError, ExitCode, InterruptedError, messageOf } from '../errors.ts'
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

/** What the operating system says of a file, in words. */
const FILE_FAULTS: Record<string, string> = {
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space left on the device',
  EDQUOT: 'the disk quota is exceeded',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EEXIST: 'there is a file where a folder is needed',
  EISDIR: 'it is a folder',
  EMFILE: 'too many open files',
}

/**
 * Anything that was thrown, as an error that can be shown. After an interrupt it is the interruption, whatever the
 * stopped work threw; else what is no EmrError is a bug of emr, and says so.
 */
export function asEmrError(error: unknown, interrupt?: AbortSignal): EmrError {
  if (interrupt?.aborted) return asInterruption(error, interrupt)
  if (error instanceof EmrError) return error
  const { code = '', path } = error as NodeJS.ErrnoException
  if (path !== undefined && FILE_FAULTS[code]) {
    return new EmrError(`${path}: ${FILE_FAULTS[code]}`, {
      code: 'FILE_SYSTEM',
      exitCode: ExitCode.preflight,
      suggestions: [`look at it: ls -ld ${dirname(path)}`],
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

function asInterruption(error: unknown, { reason }: AbortSignal): EmrError {
  if (error instanceof InterruptedError) return error
  const details = error instanceof EmrError ? error.details : {}
  return new InterruptedError(messageOf(reason), details, [], error)
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
