import { once } from 'node:events'
import { ExitCode } from '../errors.ts'

/** Writes a line, and waits where the reader is slower. A reader that has left, as `head` does, or a full disk ends it. */
export async function writeLine(text: string): Promise<void> {
  leaveWithReader()
  if (!process.stdout.write(`${text}\n`)) await once(process.stdout, 'drain')
}

let listening = false

function leaveWithReader(): void {
  if (listening) return
  listening = true
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? ExitCode.ok : ExitCode.failed)
  })
}
