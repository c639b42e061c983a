import { once } from 'node:events'
import { ExitCode } from '../errors.ts'
import { escapeJson } from '../output/clean.ts'
import { printNote, printResult } from '../output/door.ts'

/** The lines are all that this command is for. */
let isFlow = false

/** Writes a line, and waits where the reader is slower. Once stdout is lost, the process ends. */
export async function writeLine(text: string): Promise<void> {
  isFlow = true
  if (!printResult(text)) await once(process.stdout, 'drain')
}

/** The same for a program that reads: one JSON document in a line. */
export async function writeJsonLine(value: unknown): Promise<void> {
  isFlow = true
  if (!process.stdout.write(`${escapeJson(JSON.stringify(value))}\n`)) await once(process.stdout, 'drain')
}

/**
 * To be called once by the process. A deploy does not end because nobody reads its output any more (`emr deploy | head`),
 * as a flow of lines does. Output that cannot be stored (a full disk) is told, and fails a command that else went well.
 */
export function surviveLostOutput(): void {
  process.stderr.on('error', () => undefined)
  // oclif's own listener throws whatever is not a broken pipe.
  process.stdout.removeAllListeners('error')
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') {
      printNote(`The output could not be written: ${error.message}`)
      process.on('exit', () => {
        process.exitCode ||= ExitCode.failed
      })
    }
    if (isFlow) process.exit()
  })
}
