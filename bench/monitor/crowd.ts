import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import type { Pod } from 'kubernetes-types/core/v1.js'
import type { KubernetesClient } from '../../src/lib/adapters/kubernetes/client.ts'
import { resources } from '../../src/lib/adapters/kubernetes/resources.ts'
import { adminOf } from '../../src/lib/sandbox/lifecycle.ts'
import type { Project } from '../../test/e2e/project.ts'
import { keepPace } from './pace.ts'

const WRITERS = 16
const SECOND_MS = 1_000

/** Many pods in one namespace of a sandbox, as large as those of a service are, which keep changing. */
export class Crowd {
  readonly namespace: string
  /** Folder of the sandbox. */
  readonly folder: string
  readonly #project: Project
  #client: KubernetesClient | undefined
  #names: string[] = []

  constructor(project: Project, environment: string) {
    this.#project = project
    this.namespace = project.namespaceOf(environment)
    this.folder = join(project.folder, '.emr/sandbox')
  }

  /** Deploys a service, and makes copies of one of its pods until there are so many. */
  async gather(count: number): Promise<void> {
    const deployed = await this.#project.emr('deploy', '--skip-smoke-tests')
    if (deployed.code !== 0) throw new Error(deployed.stderr)
    this.#client = adminOf(this.folder)
    const { items } = await this.#admin().list<Pod>(resources.pods, { namespace: this.namespace })
    const [pattern] = items
    if (pattern === undefined) throw new Error('the deploy left no pod')
    const names = Array.from({ length: count - items.length }, (_, index) => `task-service-crowd-${index}`)
    this.#names = [...names]
    const writer = async () => {
      for (let name = names.pop(); name !== undefined; name = names.pop()) {
        await this.#admin().create(resources.pods, copyOf(pattern, name), { namespace: this.namespace })
      }
    }
    await Promise.all(Array.from({ length: WRITERS }, writer))
    await this.#allReady(count)
  }

  /** Changes so many pods a second, until the function that is returned is called. */
  change(perSecond: number): () => Promise<{ changed: number; rate: number }> {
    const stop = new AbortController()
    const { signal } = stop
    const changing = keepPace(perSecond, (number) => this.#touch(number), {
      now: () => performance.now(),
      until: (at) => delay(Math.max(0, at - performance.now()), undefined, { signal }).catch(() => undefined),
      isOver: () => signal.aborted,
    })
    return () => {
      stop.abort()
      return changing
    }
  }

  /** Something that has to come onto the screen. @returns when it was written, on the clock of `performance` */
  async mark(number: number): Promise<number> {
    const name = `mark-${number}-`
    const at = new Date().toISOString()
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${name}${Date.now()}`, namespace: this.namespace },
      involvedObject: { kind: 'Pod', name, namespace: this.namespace },
      type: 'Warning',
      reason: 'Mark',
      message: 'of the bench',
      firstTimestamp: at,
      lastTimestamp: at,
      count: 1,
    }
    const before = performance.now()
    await this.#admin().create(resources.events, event, { namespace: this.namespace })
    return before
  }

  close(): void {
    this.#client?.close()
  }

  async #touch(number: number): Promise<void> {
    const name = this.#names[(number * 97) % this.#names.length] ?? ''
    const patch = { metadata: { annotations: { 'bench.emr/touched': String(number) } } }
    const options = { type: 'application/merge-patch+json', namespace: this.namespace } as const
    await this.#admin().patch(resources.pods, name, patch, options)
  }

  async #allReady(count: number): Promise<void> {
    for (;;) {
      const { items } = await this.#admin().list<Pod>(resources.pods, { namespace: this.namespace })
      const ready = items.filter(({ status }) => {
        return status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True')
      })
      if (ready.length >= count) return
      await delay(5 * SECOND_MS)
    }
  }

  #admin(): KubernetesClient {
    if (this.#client === undefined) throw new Error('the sandbox does not run')
    return this.#client
  }
}

/** Bound to the same node, owned by nobody and selected by nothing, so that only its kubelet works on it. */
function copyOf({ metadata, spec }: Pod, name: string): Pod {
  const labels = { 'app.kubernetes.io/instance': `crowd-${name.at(-1)}` }
  const annotations = metadata?.annotations
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels, annotations }, spec }
}
