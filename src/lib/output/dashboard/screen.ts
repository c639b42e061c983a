import { writeSync } from 'node:fs'
import type { ReadStream, WriteStream } from 'node:tty'
import { printable } from '../door.ts'

const ENTER = '\x1b[?1049h\x1b[?25l\x1b[2J'
const LEAVE = '\x1b[0m\x1b[?25h\x1b[?1049l'

type Terminal = WriteStream & { fd: number }

/**
 * The terminal as a picture of lines: its alternate screen, of which only lines that differ are written. Whatever
 * ends the process but SIGKILL, the terminal is left as it was found.
 */
export class Screen {
  readonly #out: Terminal
  readonly #in: ReadStream
  readonly #onResume: () => void
  #shown: string[] = []
  #entered = false

  /** @param onResume called when the user comes back after Ctrl-Z, and when the size changes */
  constructor(input: ReadStream, output: Terminal, onResume: () => void) {
    this.#in = input
    this.#out = output
    this.#onResume = onResume
  }

  get size(): { columns: number; rows: number } {
    return { columns: this.#out.columns || 80, rows: this.#out.rows || 24 }
  }

  enter(): void {
    if (this.#entered) return
    this.#entered = true
    this.#shown = []
    this.#in.setRawMode(true)
    this.#out.write(ENTER)
    process.on('exit', this.#leaveNow)
    // Before Node prints what went wrong: on the alternate screen nobody would see it.
    process.on('uncaughtExceptionMonitor', this.#leaveNow)
    process.on('SIGTSTP', this.#suspend)
    this.#out.on('resize', this.#resize)
    this.#in.resume()
  }

  leave(): void {
    if (!this.#entered) return
    this.#leaveNow()
    process.off('exit', this.#leaveNow)
    process.off('uncaughtExceptionMonitor', this.#leaveNow)
    process.off('SIGTSTP', this.#suspend)
    this.#out.off('resize', this.#resize)
    this.#in.pause()
  }

  /** Shows these lines from the top; the rest of the screen is empty. */
  draw(lines: string[]): void {
    if (!this.#entered) return
    const { rows } = this.size
    let text = ''
    for (let row = 0; row < rows; row += 1) {
      const line = lines[row] ?? ''
      if (this.#shown[row] === line) continue
      this.#shown[row] = line
      text += `\x1b[${row + 1};1H${printable(line)}\x1b[0m\x1b[K`
    }
    if (text !== '') this.#out.write(text)
  }

  /** As the terminal itself does for Ctrl-Z: the whole job stops. */
  suspend(): void {
    process.kill(0, 'SIGTSTP')
  }

  readonly #suspend = (): void => {
    this.leave()
    process.once('SIGCONT', () => {
      this.enter()
      this.#onResume()
    })
    process.kill(process.pid, 'SIGSTOP')
  }

  readonly #resize = (): void => {
    this.#shown = []
    this.#out.write('\x1b[2J')
    this.#onResume()
  }

  /** Without waiting for anything: the process may be about to end. */
  readonly #leaveNow = (): void => {
    if (!this.#entered) return
    this.#entered = false
    try {
      this.#in.setRawMode(false)
      writeSync(this.#out.fd, LEAVE)
    } catch {
      // The terminal is gone: there is nothing to leave.
    }
  }
}
