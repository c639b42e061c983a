import { setTimeout as delay } from 'node:timers/promises'
import type { AwsAccount, Environment } from '../domain/environment.ts'
import type { CloudSource, Sight, Source } from '../domain/monitor/sight.ts'
import { EmrError, loginFor, messageOf } from '../errors.ts'

/** CloudWatch has one value a minute. */
const CLOUD_MS = 60_000
/** A network that is gone does not refuse: it is silent, and what was read before would look new. */
const ANSWER_MS = 30_000

type Parts = Pick<Sight, 'databases' | 'alarms' | 'figures'>

/**
 * Databases, alarms and figures, each asked for once a minute by itself: what one refuses hides no other. Paused while
 * there are no credentials.
 */
export class CloudSight {
  parts: Parts = {}
  readonly #sources = new Map<CloudSource, Source>()
  readonly #signal: AbortSignal
  readonly #tell: () => void
  readonly #answerMs: number

  constructor(
    environment: Pick<Environment, 'name' | 'database'>,
    account: AwsAccount,
    signal: AbortSignal,
    tell: () => void,
    answerMs = ANSWER_MS,
  ) {
    this.#signal = signal
    this.#tell = tell
    this.#answerMs = answerMs
    const { name } = environment
    void this.#follow('RDS', async (limit) => {
      const { knownDatabases } = await import('../adapters/aws/rds.ts')
      const found = await knownDatabases(account, environment, limit)
      return { databases: found.map(({ id, status }) => ({ id, status })) }
    })
    void this.#follow('CloudWatch alarms', async (limit) => {
      const { openAlarms } = await import('../adapters/aws/alarms.ts')
      return { alarms: await openAlarms(account, name, limit) }
    })
    void this.#follow('CloudWatch metrics', async (limit) => {
      const { alarmFigures } = await import('../adapters/aws/figures.ts')
      return { figures: await alarmFigures(account, name, Date.now(), limit) }
    })
  }

  get sources(): Source[] {
    return [...this.#sources.values()]
  }

  async #follow(name: CloudSource, read: (limit: AbortSignal) => Promise<Parts>): Promise<void> {
    let source: Source = { name, state: 'loading', at: 0 }
    this.#sources.set(name, source)
    while (!this.#signal.aborted) {
      const limit = AbortSignal.timeout(this.#answerMs)
      try {
        const part = await read(AbortSignal.any([this.#signal, limit]))
        this.parts = { ...this.parts, ...part }
        source = { name, state: 'ok', at: Date.now() }
      } catch (error) {
        const silent = new Error(`AWS did not answer within ${this.#answerMs / 1000} s`)
        source = { ...source, ...lossOf(limit.aborted ? silent : error) }
      }
      if (this.#signal.aborted) return
      this.#sources.set(name, source)
      this.#tell()
      await delay(CLOUD_MS, undefined, { signal: this.#signal }).catch(() => undefined)
    }
  }
}

function lossOf(error: unknown): Pick<Source, 'state' | 'error'> {
  const login = loginFor(error)
  const refused = error instanceof EmrError && ['ACCESS_DENIED', 'DATABASE_UNKNOWN'].includes(error.code)
  return {
    state: refused ? 'denied' : login ? 'paused' : 'stale',
    error: `${messageOf(error)}${login ? `; run: ${login}` : ''}`,
  }
}
