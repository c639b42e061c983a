import { type ChildProcess, spawn } from 'node:child_process'
import { PassThrough, pipeline, type Readable, type Writable } from 'node:stream'
import { type Command, redact } from './command.ts'
import { interruption, ToolError } from './runner.ts'

export interface Pipeline {
  /** Of the first program. */
  stdin: Writable
  /** Of the last program; ends early when one of them fails, so its end alone means nothing. */
  stdout: Readable
  /**
   * Resolves when every program has exited with 0.
   * @throws {ToolError} of the program that failed first, not of those that lost their reader for it
   */
  done: Promise<void>
}

const STDERR_LIMIT = 64 * 1024
const BUFFER = 256 * 1024

/**
 * Starts programs whose outputs are the next one's inputs. They are connected by the kernel: nothing that flows
 * between them goes through this process. Each runs in a group of its own, away from the terminal's Ctrl-C.
 * @param signal ends all of them
 */
export function startPipeline(commands: readonly Command[], signal: AbortSignal): Pipeline {
  signal.throwIfAborted()
  const children: ChildProcess[] = []
  for (const command of [...commands].reverse()) {
    const next = children[0]
    const child = spawn(command.file, command.args, {
      cwd: command.cwd,
      env: { ...process.env, ...command.env },
      detached: true,
      stdio: ['pipe', next?.stdin ?? 'pipe', 'pipe'],
    })
    // The next program has its own copy; with ours open it would never see the end of its input.
    next?.stdin?.destroy()
    children.unshift(child)
  }
  const stop = () => {
    for (const child of children) child.kill('SIGTERM')
  }
  signal.addEventListener('abort', stop, { once: true })
  const ends = children.map((child, index) => endOf(child, commands[index] as Command))
  const { stdin } = children[0] as { stdin: Writable }
  // When a program exits, Node throws away what nobody has begun to read; so reading begins at once, into a buffer that
  // makes the program wait when it is full.
  const stdout = new PassThrough({ highWaterMark: BUFFER })
  pipeline((children.at(-1) as { stdout: Readable }).stdout, stdout, () => {})
  // A program that fails stops reading; what it says is told by `done`.
  stdin.on('error', () => {})
  const done = Promise.all(ends).then((failures) => {
    signal.removeEventListener('abort', stop)
    if (signal.aborted) throw interruption(signal, String(commands[0]?.file))
    const found = failures.filter((failure) => failure !== undefined)
    const cause = found.find(({ lostReader }) => !lostReader) ?? found[0]
    if (cause) throw cause.error
  })
  // Whoever reads stdout first awaits `done` later.
  done.catch(() => {})
  return { stdin, stdout, done }
}

interface Failure {
  error: ToolError
  /** Ended only because nobody read its output any more. */
  lostReader: boolean
}

function endOf(child: ChildProcess, command: Command): Promise<Failure | undefined> {
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_LIMIT)
  })
  return new Promise((resolve) => {
    const fail = (why: string, lostReader = false) => {
      const result = { exitCode: child.exitCode ?? -1, stdout: '', stderr: redact(stderr, command.redact) }
      resolve({ error: new ToolError(command, why, result), lostReader })
    }
    child.on('error', (error) => {
      child.stdout?.destroy()
      fail(`could not be started: ${error.message}`)
    })
    child.on('close', (code, signal) => {
      if (code === 0) resolve(undefined)
      else if (signal) fail(`was ended by ${signal}`, signal === 'SIGPIPE')
      else fail(`exited with ${code}`, /broken pipe|connection reset by peer/i.test(stderr))
    })
  })
}
