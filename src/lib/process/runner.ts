import { withoutRowValues } from '../domain/row-values.ts'
import { EmrError, ExitCode, InterruptedError } from '../errors.ts'
import { type Command, type CommandResult, commandLine, redact } from './command.ts'

export interface RunOptions {
  /** Stops the program with one SIGINT. */
  signal?: AbortSignal
  /** Gets each line of the program's stdout as it comes. */
  onLine?: (line: string) => void
}

export interface Runner {
  /**
   * Runs a program to its end.
   * @throws {ToolError} when it cannot be started, runs out of time or exits with what is no answer (0).
   * @throws {InterruptedError} when the signal stopped it.
   */
  run(command: Command, options?: RunOptions): Promise<CommandResult>
}

/** Their words hold values of rows, which may be of patients. */
const POSTGRES = /(?:^|\/)(?:pg_\w+|psql)$/

/** An external program could not be started, or failed. */
export class ToolError extends EmrError {
  /** The program's first argument: `upgrade` of `helm upgrade …`. */
  readonly verb: string | undefined
  readonly result: CommandResult

  constructor(command: Command, why: string, result: CommandResult) {
    const line = commandLine(command)
    const shown = POSTGRES.test(command.file) ? withoutRowValues(result.stderr) : result.stderr
    const stderr = shown.trim()
    super([`${line} ${why}`, lastLines(stderr)].filter(Boolean).join(': '), {
      code: 'TOOL_FAILED',
      exitCode: ExitCode.tool,
      details: { command: line, exitCode: result.exitCode, stderr },
    })
    this.name = 'ToolError'
    this.verb = command.args[0]
    this.result = { ...result, stderr: shown }
  }
}

const GRACE_MS = 5_000

/**
 * Runs programs for real. Each gets a process group of its own, so that a terminal's Ctrl-C does not reach it: it
 * is stopped by exactly one SIGINT, because Terraform takes a second one as "drop everything". What does not end in
 * its time of grace is killed with its whole group.
 */
export class ProcessRunner implements Runner {
  async run(command: Command, options: RunOptions = {}): Promise<CommandResult> {
    const { execa } = await import('execa')
    options.signal?.throwIfAborted()
    const child = execa(command.file, command.args, {
      cwd: command.cwd,
      env: command.env,
      ...(command.interactive
        ? { stdin: 'inherit' as const, stderr: ['inherit' as const, 'pipe' as const] }
        : { input: command.stdin ?? '' }),
      // Only the terminal's own process group may read from it.
      detached: !command.interactive,
      reject: false,
      stripFinalNewline: false,
      maxBuffer: 256 * 1024 * 1024,
    })
    let timedOut = false
    let kill: NodeJS.Timeout | undefined
    const stop = () => {
      if (kill !== undefined || child.pid === undefined) return
      const group = command.interactive ? child.pid : -child.pid
      child.kill('SIGINT')
      kill = setTimeout(() => signalGroup(group, 'SIGKILL'), command.graceMs ?? GRACE_MS)
    }
    const limit =
      command.timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            timedOut = true
            stop()
          }, command.timeoutMs)
    options.signal?.addEventListener('abort', stop, { once: true })
    try {
      if (options.onLine)
        for await (const line of child.iterable()) options.onLine(redact(line, command.redact))
      const ended = await child
      const result: CommandResult = {
        exitCode: ended.exitCode ?? -1,
        stdout: redact(ended.stdout, command.redact),
        stderr: redact(
          ended.stderr || (ended.exitCode === undefined ? (ended.originalMessage ?? '') : ''),
          command.redact,
        ),
      }
      if (options.signal?.aborted) throw interruption(options.signal, command.file)
      if (timedOut) throw new ToolError(command, `did not end within ${command.timeoutMs} ms`, result)
      if (!(command.answers ?? [0]).includes(result.exitCode))
        throw new ToolError(command, exitWords(result.exitCode, ended.signal), result)
      return result
    } finally {
      clearTimeout(kill)
      clearTimeout(limit)
      options.signal?.removeEventListener('abort', stop)
    }
  }
}

/** Why a program was stopped: what the user asked for, where it was that. */
export function interruption({ reason }: AbortSignal, file: string): InterruptedError {
  return reason instanceof InterruptedError ? reason : new InterruptedError(`${file} was stopped`)
}

/** Signals a process group; one that has already ended is fine. */
function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(group, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function exitWords(exitCode: number, signal: string | undefined): string {
  if (signal !== undefined) return `was ended by ${signal}`
  return exitCode < 0 ? 'could not be started' : `exited with ${exitCode}`
}

function lastLines(text: string): string {
  return text.split('\n').slice(-20).join('\n')
}
