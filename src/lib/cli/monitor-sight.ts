import { EventEmitter, once } from 'node:events'
import type { KubernetesClient } from '../adapters/kubernetes/client.ts'
import { EnvironmentWatch } from '../adapters/kubernetes/environment-watch.ts'
import type { MonitorPorts } from '../workflows/monitor.ts'
import { CloudSight } from './cloud-sight.ts'
import type { Session } from './session.ts'

export type LiveSight = MonitorPorts & { onChange: (listener: () => void) => void }

/** The cluster and, where the environment has an account, AWS; seen until the signal aborts. */
export function liveSight(session: Session, client: KubernetesClient, signal: AbortSignal): LiveSight {
  const { environment } = session
  const news = new EventEmitter<{ change: [] }>()
  const tell = () => news.emit('change')
  const watch = new EnvironmentWatch(client, environment.namespace, signal, tell)
  const cloud = environment.aws && new CloudSight(environment, environment.aws, signal, tell)
  return {
    environment,
    sight: () => {
      const cluster = watch.sight()
      return cloud ? { ...cluster, ...cloud.parts, sources: [...cluster.sources, ...cloud.sources] } : cluster
    },
    changed: async (waiting) => void (await once(news, 'change', { signal: waiting }).catch(() => undefined)),
    onChange: (listener) => void news.on('change', listener),
    signal,
    now: Date.now,
  }
}
