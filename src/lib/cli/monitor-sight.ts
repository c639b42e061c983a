import { EventEmitter, once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { KubernetesClient } from '../adapters/kubernetes/client.ts'
import { EnvironmentWatch } from '../adapters/kubernetes/environment-watch.ts'
import type { AwsAccount } from '../domain/environment.ts'
import type { Sight, Source } from '../domain/monitor/sight.ts'
import { EmrError, loginFor, messageOf } from '../errors.ts'
import type { MonitorPorts } from '../workflows/monitor.ts'
import type { Session } from './session.ts'

/** CloudWatch has one value a minute. */
const CLOUD_MS = 60_000

export type LiveSight = MonitorPorts & { onChange: (listener: () => void) => void }

/** The cluster and, where the environment has an account, AWS; seen until the signal aborts. */
export function liveSight(session: Session, client: KubernetesClient, signal: AbortSignal): LiveSight {
  const { environment } = session
  const news = new EventEmitter<{ change: [] }>()
  const tell = () => news.emit('change')
  const watch = new EnvironmentWatch(client, environment.namespace, signal, tell)
  const cloud = environment.aws && new CloudSight(environment.name, environment.aws, signal, tell)
  return {
    environment,
    sight: () => {
      const cluster = watch.sight()
      return cloud ? { ...cluster, ...cloud.sight, sources: [...cluster.sources, cloud.source] } : cluster
    },
    changed: async (waiting) => void (await once(news, 'change', { signal: waiting }).catch(() => undefined)),
    onChange: (listener) => void news.on('change', listener),
    signal,
    now: Date.now,
  }
}

/** Databases, alarms and figures, asked for once a minute; paused while there are no credentials. */
class CloudSight {
  sight: Pick<Sight, 'databases' | 'alarms' | 'figures'> = {}
  source: Source = { name: 'AWS', state: 'loading', at: 0 }
  readonly #prefix: string
  readonly #account: AwsAccount
  readonly #signal: AbortSignal
  readonly #tell: () => void

  constructor(environment: string, account: AwsAccount, signal: AbortSignal, tell: () => void) {
    this.#prefix = `emr-platform-${environment}`
    this.#account = account
    this.#signal = signal
    this.#tell = tell
    void this.#poll()
  }

  async #poll(): Promise<void> {
    while (!this.#signal.aborted) {
      try {
        this.sight = await this.#read()
        this.source = { name: 'AWS', state: 'ok', at: Date.now() }
      } catch (error) {
        this.source = { ...this.source, ...lossOf(error) }
      }
      if (this.#signal.aborted) return
      this.#tell()
      await delay(CLOUD_MS, undefined, { signal: this.#signal }).catch(() => undefined)
    }
  }

  async #read(): Promise<CloudSight['sight']> {
    const [{ databaseInstances }, { openAlarms }, { alarmFigures }] = await Promise.all([
      import('../adapters/aws/rds.ts'),
      import('../adapters/aws/alarms.ts'),
      import('../adapters/aws/figures.ts'),
    ])
    const where = [this.#account, this.#prefix] as const
    const [databases, alarms, figures] = await Promise.all([
      databaseInstances(...where, this.#signal),
      openAlarms(...where, this.#signal),
      alarmFigures(...where, Date.now(), this.#signal),
    ])
    return { databases, alarms, figures }
  }
}

function lossOf(error: unknown): Pick<Source, 'state' | 'error'> {
  const login = loginFor(error)
  const denied = error instanceof EmrError && error.code === 'ACCESS_DENIED'
  return {
    state: denied ? 'denied' : login ? 'paused' : 'stale',
    error: `${messageOf(error)}${login ? `; run: ${login}` : ''}`,
  }
}
