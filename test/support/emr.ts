import { type ChildProcess, spawn } from 'node:child_process'
import { resolve } from 'node:path'

export interface EmrRun {
  exitCode: number | null
  stdout: string
  stderr: string
}

/** One run of the built program, under way. */
export interface RunningEmr {
  child: ChildProcess
  /** Resolves when stderr has this text. @throws when the run ends without it */
  says: (text: string) => Promise<void>
  end: Promise<EmrRun>
}

const BIN = resolve(import.meta.dirname, '../../bin/run.js')

/** Starts the built `emr` in a folder. */
export function startEmr(args: string[], cwd: string, env: NodeJS.ProcessEnv): RunningEmr {
  const child = spawn(process.execPath, [BIN, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const texts = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text
    })
  }
  const end = new Promise<EmrRun>((settle) => {
    child.once('close', (exitCode) => settle({ exitCode, ...texts }))
  })
  const says = (text: string) =>
    new Promise<void>((settle, fail) => {
      const look = () => texts.stderr.includes(text) && settle()
      child.stderr.on('data', look)
      look()
      end.then(() => fail(new Error(`emr ended without saying '${text}': ${texts.stderr}`)))
    })
  return { child, says, end }
}
