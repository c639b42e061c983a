import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { onTestFinished } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../../..')

const PROGRAM = join(ROOT, 'bin/run.js')

export interface RunningProgram {
  /** Resolves when its messages contain this text. */
  says(text: string): Promise<void>
  kill(): void
  /** As Ctrl-C does. */
  interrupt(): void
  /** Resolves with exit code (null when killed) and all that it wrote. */
  ended: Promise<{ exitCode: number | null; stdout: string; stderr: string }>
}

/** The built emr as a process of its own, so that it can be killed. @param prefix words before it, such as a shell's ulimit */
export function startProgram(argv: string[], prefix: string[] = []): RunningProgram {
  if (!existsSync(join(ROOT, 'dist/main.cjs'))) throw new Error('emr is not built: npm run build')
  const [file = '', ...args] = [...prefix, process.execPath, PROGRAM, ...argv]
  const child: ChildProcess = spawn(file, args, { env: { ...process.env, CI: '1' } })
  let stdout = ''
  let stderr = ''
  const checks = new Set<() => void>()
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    for (const check of checks) check()
  })
  const ended = new Promise<{ exitCode: number | null; stdout: string; stderr: string }>((resolve) => {
    child.once('close', (exitCode) => resolve({ exitCode, stdout, stderr }))
  })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return {
    ended,
    kill: () => child.kill('SIGKILL'),
    interrupt: () => child.kill('SIGINT'),
    says: (text) =>
      new Promise((resolve, reject) => {
        const check = () => {
          if (!stderr.includes(text)) return
          checks.delete(check)
          resolve()
        }
        checks.add(check)
        check()
        ended.then(() => reject(new Error(`it ended without saying '${text}': ${stderr}`)))
      }),
  }
}
