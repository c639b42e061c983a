import type { ListrRenderer } from 'listr2'
import { symbols, stderrTheme as theme } from './theme.ts'

/** A quiet CI log looks like a hung one; many systems end a job for it. */
const HEARTBEAT_MS = 30_000

interface RenderedTask {
  title?: string
  message: { error?: string; skip?: string }
  parent?: RenderedTask
  on(event: string, listener: (value: never) => void): void
  hasSubtasks(): boolean
}

/**
 * Progress for pipes and CI: one timestamped line for each change, prefixed with the task, never a redraw. The width
 * of the terminal is not asked for.
 */
export class LineRenderer implements Pick<ListrRenderer, 'render' | 'end'> {
  static readonly nonTTY = true
  static readonly rendererOptions = {}
  static readonly rendererTaskOptions = {}
  readonly #tasks: RenderedTask[]
  readonly #running = new Set<RenderedTask>()
  #heartbeat: NodeJS.Timeout | undefined

  constructor(tasks: RenderedTask[]) {
    this.#tasks = tasks
  }

  render(): void {
    this.#follow(this.#tasks)
    this.#beat()
  }

  end(): void {
    clearTimeout(this.#heartbeat)
  }

  #follow(tasks: RenderedTask[]): void {
    for (const task of tasks) {
      const title = String(task.title ?? '')
      task.on('SUBTASK', (subtasks: RenderedTask[]) => this.#follow(subtasks))
      task.on('OUTPUT', (output: string) => {
        for (const line of output.split('\n')) this.#line(symbols.bullet, title, line)
      })
      task.on('STATE', (state: string) => this.#state(task, title, state))
    }
  }

  #state(task: RenderedTask, title: string, state: string): void {
    if (state === 'STARTED') this.#running.add(task)
    else this.#running.delete(task)
    // A parent's end says nothing that its children's ends have not said.
    if (state === 'COMPLETED' && !task.hasSubtasks())
      this.#line(theme.good(symbols.good), task.title ?? title)
    if (state === 'SKIPPED')
      this.#line(theme.warn(symbols.skipped), title, `skipped: ${task.message.skip ?? ''}`)
    if (state === 'FAILED' && !task.hasSubtasks()) {
      this.#line(theme.bad(symbols.bad), title, firstLine(task.message.error ?? 'failed'))
    }
  }

  #line(symbol: string, title: string, text?: string): void {
    const words = [new Date().toISOString().replace(/\.\d+/, ''), symbol, title, text].filter(Boolean)
    process.stderr.write(`${words.join(' ')}\n`)
    this.#beat()
  }

  #beat(): void {
    clearTimeout(this.#heartbeat)
    this.#heartbeat = setTimeout(() => {
      const titles = [...this.#running].filter((task) => !task.hasSubtasks()).map((task) => task.title)
      this.#line(symbols.running, 'still at it:', titles.join(', '))
    }, HEARTBEAT_MS)
    this.#heartbeat.unref()
  }
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? ''
}
