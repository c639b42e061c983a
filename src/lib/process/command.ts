import { shellLine } from '../domain/command-line.ts'

/** What one run of an external program is, as data: compared in tests, refused in a dry run, redacted in errors. */
export interface Command {
  /** Program name (found on PATH) or path. */
  file: string
  /** Never a secret: everybody on the machine can read the arguments of a process. */
  args: string[]
  /** 'write' changes something outside this machine's own temporary files. */
  effect: 'read' | 'write'
  /** Added to the environment; secrets go here or to stdin. */
  env?: Record<string, string | undefined>
  stdin?: string
  /** Whether a person answers it: it keeps this terminal, and its stderr is shown as it comes. */
  interactive?: boolean
  cwd?: string
  /** Secret values that must not appear in output or errors. */
  redact?: string[]
  /** Exit codes that are answers, not failures. Default: 0 alone. */
  answers?: readonly number[]
  /** Milliseconds until the program is asked to stop. Default: none. */
  timeoutMs?: number
  /** Milliseconds from the request to stop until the program is killed. Default 5,000. */
  graceMs?: number
}

export interface CommandResult {
  exitCode: number
  stdout: string
  stderr: string
}

/** The command as a line to read or to paste into a shell, without its secrets. */
export function commandLine(command: Pick<Command, 'file' | 'args' | 'redact'>): string {
  return redact(shellLine([command.file, ...command.args]), command.redact)
}

/** Replaces each secret value in a text. */
export function redact(text: string, secrets: readonly string[] = []): string {
  return secrets
    .filter((secret) => secret !== '')
    .reduce((kept, secret) => kept.replaceAll(secret, '***'), text)
}
