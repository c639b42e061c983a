import type { ListrRenderer } from 'listr2'
import { timestamp } from '../domain/timestamp.ts'
import { printNote } from './door.ts'
import { symbols, stderrTheme as theme } from './theme.ts'

/** A quiet CI log looks like a hung one; many systems end a job for it. */
const HEARTBEAT_MS = 30_000

interface RenderedTask {
  title?: string
  message: { skip?: string }
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
  /** The last line of each task, to be said again where nothing changes for long. */
  readonly #said = new Map<RenderedTask, string>()
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
        this.#said.set(task, output.split('\n').at(-1) ?? '')
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
    if (state === 'SKIPPED') this.#line(theme.warn(symbols.skipped), task.message.skip ?? `${title} skipped`)
    if (state === 'FAILED' && !task.hasSubtasks()) {
      // A task that knows why has put it into its title; of another one, the error says it at the end.
      this.#line(theme.bad(symbols.bad), task.title === title ? `${title} failed` : String(task.title))
    }
  }

  #line(symbol: string, title: string, text?: string): void {
    const words = [timestamp(Date.now()), symbol, title, text].filter(Boolean)
    printNote(`${words.join(' ')}`)
    this.#beat()
  }

  #beat(): void {
    clearTimeout(this.#heartbeat)
    this.#heartbeat = setTimeout(() => {
      const open = [...this.#running].filter((task) => !task.hasSubtasks())
      const lines = open.map((task) => [task.title, this.#said.get(task)].filter(Boolean).join(': '))
      this.#line(symbols.running, 'still at it:', lines.join('; '))
    }, HEARTBEAT_MS)
    this.#heartbeat.unref()
  }
}
