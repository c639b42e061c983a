import { once } from 'node:events'

/** Writes a line, and waits where the reader is slower. A reader that has left, as `head` does, ends the process. */
export async function writeLine(text: string): Promise<void> {
  leaveWithReader()
  if (!process.stdout.write(`${text}\n`)) await once(process.stdout, 'drain')
}

let listening = false

function leaveWithReader(): void {
  if (listening) return
  listening = true
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
}
