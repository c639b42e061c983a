import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** A real terminal with a shell in it, on a tmux server of its own. */
export class Terminal {
  readonly #folder = mkdtempSync(join(tmpdir(), 'emr-tmux-'))

  /** @param env of the shell, beside what the tests have */
  constructor(cwd: string, env: Record<string, string>, size = { columns: 130, rows: 32 }) {
    const { CI: _, NO_COLOR: __, TMUX: ___, ...rest } = process.env
    const start = ['new-session', '-d', '-x', String(size.columns), '-y', String(size.rows), '-c', cwd, 'sh']
    this.#run(start, { ...rest, ...env, PS1: 'READY> ', ENV: '' })
  }

  /** Types text and presses enter. */
  enter(text: string): void {
    this.#run(['send-keys', '-l', text])
    this.#run(['send-keys', 'Enter'])
  }

  /** Presses keys by tmux's names, for example `C-c`, `Enter`, `j`. */
  press(...keys: string[]): void {
    this.#run(['send-keys', ...keys])
  }

  resize(columns: number, rows: number): void {
    this.#run(['resize-window', '-x', String(columns), '-y', String(rows)])
  }

  /** What stands on the screen, as text. */
  screen(): string {
    return this.#run(['capture-pane', '-p'])
  }

  /** Waits until the screen shows it. @throws with the screen when it does not within half a minute */
  async shows(pattern: RegExp, timeoutMs = 30_000): Promise<string> {
    for (const end = Date.now() + timeoutMs; Date.now() < end; await delay(50)) {
      const screen = this.screen()
      if (pattern.test(screen)) return screen
    }
    throw new Error(`The screen does not show ${pattern}:\n${this.screen()}`)
  }

  /** Whether the terminal is on its alternate screen, shows the cursor, and echoes what is typed. */
  state(): { alternate: boolean; cursor: boolean } {
    const [alternate, cursor] = this.#run(['display-message', '-p', '#{alternate_on} #{cursor_flag}'])
      .trim()
      .split(' ')
    return { alternate: alternate === '1', cursor: cursor === '1' }
  }

  /** Of the shell, or of what replaced it. */
  get pid(): number {
    return Number(this.#run(['display-message', '-p', '#{pane_pid}']))
  }

  close(): void {
    this.#run(['kill-server'])
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #run(args: string[], env?: NodeJS.ProcessEnv): string {
    const socket = ['-f', '/dev/null', '-S', join(this.#folder, 'socket')]
    return execFileSync('tmux', [...socket, ...args], { encoding: 'utf8', ...(env && { env }) })
  }
}
