import type { KubernetesClient } from '../adapters/kubernetes/client.ts'
import { NamespaceLogs } from '../adapters/kubernetes/namespace-logs.ts'
import type { Picture } from '../domain/monitor/picture.ts'
import { messageOf } from '../errors.ts'
import { clean } from '../output/clean.ts'
import { frame, shownSections } from '../output/dashboard/frame.ts'
import { keysOf } from '../output/dashboard/keys.ts'
import { Screen } from '../output/dashboard/screen.ts'
import { type Effect, firstView, press, type View } from '../output/dashboard/view.ts'
import { diagnosisView } from '../output/diagnosis-view.ts'
import { logLine } from '../output/log-view.ts'
import { stdoutTheme as theme } from '../output/theme.ts'
import { diagnoseEnvironment } from '../workflows/diagnose.ts'
import { followLogs } from '../workflows/logs.ts'
import { type Goal, look } from '../workflows/monitor.ts'
import { diagnosePorts, reachCluster } from './diagnose.ts'
import { liveSight } from './monitor-sight.ts'
import type { Session } from './session.ts'

/** At most ten frames a second; without news one a second, for the ages. */
const FRAME_MS = 100
const TICK_MS = 1_000
const LOG_LINES = 2_000
const LOG_TAIL = 100

/**
 * `emr monitor --watch` in a terminal, until `q`, Ctrl-C, or the end of its goal.
 * @returns whether the goal was met
 */
export async function runDashboard(session: Session, goal: Goal | undefined): Promise<boolean> {
  const dashboard = new Dashboard(session, goal?.isMet)
  const timer = goal && setTimeout(() => dashboard.close(), goal.timeout)
  try {
    return await dashboard.run()
  } finally {
    clearTimeout(timer)
    dashboard.close()
    session.signal.throwIfAborted()
  }
}

class Dashboard {
  readonly #session: Session
  readonly #isMet: Goal['isMet'] | undefined
  readonly #screen = new Screen(process.stdin, process.stdout, () => this.#draw())
  readonly #end = Promise.withResolvers<boolean>()
  readonly #stop = new AbortController()
  #client: KubernetesClient | undefined
  #look: (() => Picture) | undefined
  #picture: Picture | undefined
  #view: View = firstView
  /** Of the page that is open, and how to close it. */
  #text: string[] = []
  #closePage = new AbortController()
  #drawnAt = 0
  #timer: NodeJS.Timeout | undefined

  constructor(session: Session, isMet: Goal['isMet'] | undefined) {
    this.#session = session
    this.#isMet = isMet
  }

  async run(): Promise<boolean> {
    const { signal } = this.#session
    signal.addEventListener('abort', () => this.close(), { once: true })
    const tick = setInterval(() => this.#draw(), TICK_MS)
    this.#screen.enter()
    const onData = (chunk: Buffer) => {
      for (const key of keysOf(chunk.toString('utf8'))) this.#press(key)
    }
    process.stdin.on('data', onData)
    try {
      this.#draw()
      this.#start().catch(this.#end.reject)
      return await this.#end.promise
    } finally {
      clearInterval(tick)
      process.stdin.off('data', onData)
    }
  }

  close(): void {
    this.#stop.abort()
    this.#closePage.abort()
    clearTimeout(this.#timer)
    this.#screen.leave()
    this.#client?.close()
    this.#end.resolve(false)
  }

  async #start(): Promise<void> {
    // Who leaves does not wait for a server that is silent.
    const signal = AbortSignal.any([this.#session.signal, this.#stop.signal])
    this.#client = await reachCluster({ ...this.#session, signal })
    const sight = liveSight(this.#session, this.#client, signal)
    this.#look = () => look(sight)
    sight.onChange(() => this.#soon())
    this.#soon()
  }

  /** Draws once for all that comes within a tenth of a second. */
  #soon(): void {
    if (this.#timer !== undefined) return
    const wait = Math.max(0, this.#drawnAt + FRAME_MS - Date.now())
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#draw()
    }, wait)
  }

  #draw(): void {
    if (this.#stop.signal.aborted) return
    this.#drawnAt = Date.now()
    if (!this.#view.paused) this.#picture = this.#look?.() ?? this.#picture
    const { name: environment } = this.#session.environment
    const input = { picture: this.#picture, environment, view: this.#view, text: this.#text, now: Date.now() }
    this.#screen.draw(frame({ ...input, size: this.#screen.size }, theme))
    if (this.#picture && this.#isMet?.(this.#picture)) this.#end.resolve(true)
  }

  #press(key: string): void {
    const before = this.#view.page
    const { view, effect } = press(this.#view, key, shownSections(this.#picture, this.#view, theme))
    this.#view = view
    if (before !== 'main' && view.page === 'main') this.#closePage.abort()
    this.#carryOut(effect)
    this.#draw()
  }

  #carryOut(effect: Effect): void {
    // Who leaves before what was waited for has come, interrupts.
    if (effect.do === 'interrupt' || (effect.do === 'quit' && this.#isMet))
      process.kill(process.pid, 'SIGINT')
    else if (effect.do === 'quit') this.#end.resolve(false)
    if (effect.do === 'suspend') this.#screen.suspend()
    if (effect.do === 'diagnose') void this.#open(() => this.#diagnose(effect.service))
    if (effect.do === 'logs') void this.#open((signal) => this.#logs(effect.service, signal))
  }

  async #open(fill: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this.#closePage.abort()
    this.#closePage = new AbortController()
    const { signal } = this.#closePage
    this.#text = ['…']
    try {
      await fill(signal)
    } catch (error) {
      if (!signal.aborted) this.#text = messageOf(error).split('\n').map(clean)
    }
    this.#soon()
  }

  async #diagnose(service: string | undefined): Promise<void> {
    if (this.#client === undefined) return
    const diagnosis = await diagnoseEnvironment(diagnosePorts(this.#session, this.#client), service)
    this.#text = diagnosisView(diagnosis, theme, Date.now()).split('\n')
  }

  async #logs(service: string | undefined, signal: AbortSignal): Promise<void> {
    if (this.#client === undefined) return
    const lines: string[] = []
    this.#text = lines
    const logs = new NamespaceLogs(this.#client, this.#session.environment.namespace, service)
    const request = {
      previous: false,
      tail: LOG_TAIL,
      container: undefined,
      grep: undefined,
      unmasked: false,
      wholeLines: false,
    }
    await followLogs({ logs, signal }, request, (entry) => {
      lines.push(logLine(entry, theme))
      if (lines.length > LOG_LINES) lines.splice(0, lines.length - LOG_LINES)
      this.#soon()
    })
  }
}
