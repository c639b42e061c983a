import { EventEmitter } from 'node:events'
import type { ChartInput } from '../../src/lib/adapters/helm/helm.ts'
import type { Release, ReleaseStatus, Revision } from '../../src/lib/adapters/helm/release.ts'
import type { KubernetesObject } from '../../src/lib/adapters/kubernetes/types.ts'
import type { WorkloadWatch } from '../../src/lib/adapters/kubernetes/workload-watch.ts'
import type { Environment } from '../../src/lib/domain/environment.ts'
import type { PodFacts } from '../../src/lib/domain/rollout/facts.ts'
import type { RolloutFacts } from '../../src/lib/domain/rollout/judge.ts'
import { InterruptedError } from '../../src/lib/errors.ts'
import type { DeployPorts } from '../../src/lib/workflows/deploy/types.ts'
import { container, healthy, pod, rollout, thresholds } from '../lib/domain/rollout/facts.ts'

export const SERVICES = ['task-service', 'emr-service', 'sync-service', 'handover-service', 'api-gateway']

/** What the pods of a service do after an upgrade to a tag. */
export type Behaviour = 'ready' | 'crash' | 'hang'

interface FakeRelease {
  revisions: { revision: number; status: ReleaseStatus; tag: string }[]
}

/** helm and a cluster in memory: releases have histories, pods behave by their image tag. */
export class FakeCluster {
  /** What happened, in order: `upgrade task-service`, `rollback task-service 1`. */
  readonly log: string[] = []
  readonly releases = new Map<string, FakeRelease>()
  readonly evidence: string[] = []
  namespaceExists = false
  /** Decides by service and tag. */
  behave: (service: string, tag: string) => Behaviour = () => 'ready'
  /** Called before an upgrade changes anything; may throw. */
  beforeUpgrade: (service: string, attempt: number) => Promise<void> | void = () => undefined
  readonly watch = Object.assign(new EventEmitter(), {
    complete: true,
    refusal: undefined as unknown,
    lost: undefined as Error | undefined,
    rollout: (name: string) => this.rollouts.get(name),
    job: () => undefined,
    eventsAbout: () => [],
    isSilent: false,
    gaps: [],
    relist: () => undefined,
    close: () => undefined,
  })
  /** Images of Deployments that run without a release, by name. */
  readonly orphans = new Map<string, string>()
  readonly rollouts = new Map<string, RolloutFacts>()
  readonly #attempts = new Map<string, number>()

  seed(service: string, tag: string, status: ReleaseStatus = 'deployed'): void {
    const release = this.releases.get(service) ?? { revisions: [] }
    release.revisions.push({ revision: release.revisions.length + 1, status, tag })
    this.releases.set(service, release)
    if (status === 'deployed') this.#rollOut(service, tag)
  }

  ports(environment: Partial<Environment> = {}, controller = new AbortController()): DeployPorts {
    return {
      id: 'deploy-1',
      environment: {
        name: 'test',
        protected: false,
        namespace: 'emr-platform-test',
        cluster: { kind: 'sandbox' },
        concurrency: 4,
        rollout: thresholds,
        services: SERVICES.map((name) => ({
          name,
          chart: `${import.meta.dirname}/../../helm/${name}`,
          values: [],
          needs: name === 'api-gateway' ? SERVICES.slice(0, 4) : [],
        })),
        ...environment,
      },
      kubectl: 'kubectl --context test',
      helm: this.#helm(),
      workloads: this.#workloads(),
      live: {
        preview: async (previous, rendered) => this.#preview(previous, rendered),
      } as DeployPorts['live'],
      evidence: { folder: '/evidence', write: async (name) => String(this.evidence.push(name)) },
      signal: controller.signal,
      now: Date.now,
    }
  }

  #helm(): DeployPorts['helm'] {
    return {
      status: async (name, { revision } = {}) => this.#status(name, revision),
      history: async (name) =>
        (this.releases.get(name)?.revisions ?? []).map((each) => each as unknown as Revision),
      template: async (input) => ({ objects: objectsOf(input.release, tagOf(input)), hooks: [] }),
      upgrade: async (input, { signal }) => {
        const attempt = (this.#attempts.get(input.release) ?? 0) + 1
        this.#attempts.set(input.release, attempt)
        this.log.push(`upgrade ${input.release}`)
        await this.beforeUpgrade(input.release, attempt)
        if (signal?.aborted) throw new InterruptedError()
        this.seed(input.release, tagOf(input))
        return this.releases.get(input.release)?.revisions.length ?? 0
      },
      rollback: async (name, revision) => {
        this.log.push(`rollback ${name} ${revision}`)
        this.seed(name, this.releases.get(name)?.revisions[revision - 1]?.tag ?? '')
      },
      isTransient: (error) => error instanceof Error && error.message === 'transient',
      pinsImage: async () => false,
    }
  }

  #workloads(): DeployPorts['workloads'] {
    return {
      clusterVersion: async () => 'v1.34.0',
      isTransient: () => false,
      namespace: async () => (this.namespaceExists ? {} : undefined),
      createNamespace: async () => {
        this.log.push('create namespace')
        this.namespaceExists = true
      },
      generation: async (name) => this.rollouts.get(name)?.deployment.generation ?? 0,
      isPaused: async (name) => this.rollouts.get(name)?.deployment.paused ?? false,
      raiseToMinimum: async () => 0,
      retryPods: async (name) => {
        this.log.push(`retry ${name}`)
      },
      serverNow: () => 0,
      image: async (name) => this.orphans.get(name),
      pod: async () => undefined,
      logLines: async ({ previous }) => (previous ? [] : ['{"level":"fatal","msg":"no database"}']),
      watch: () => this.watch as unknown as WorkloadWatch,
    }
  }

  #status(name: string, wanted?: number): Release | undefined {
    const revisions = this.releases.get(name)?.revisions ?? []
    const found = wanted === undefined ? revisions.at(-1) : revisions.find((each) => each.revision === wanted)
    if (found === undefined) return undefined
    const { revision, status, tag } = found
    const objects = objectsOf(name, tag)
    // Old enough that a pending revision counts as left behind.
    return {
      name,
      revision,
      status,
      updatedAt: 0,
      description: '',
      values: { image: { tag } },
      objects,
      hooks: [],
    }
  }

  #preview(previous: KubernetesObject | undefined, rendered: KubernetesObject) {
    if (previous === undefined) return { state: 'absent' as const }
    return { state: 'present' as const, live: previous, applied: rendered }
  }

  #rollOut(service: string, tag: string): void {
    const behaviour = this.behave(service, tag)
    const crashed = { reason: 'Error', exitCode: 1, message: '', startedAt: 0, finishedAt: 0 }
    const looping = container({
      waiting: { reason: 'CrashLoopBackOff', message: '' },
      restarts: 3,
      last: crashed,
    })
    const pods: Record<Behaviour, PodFacts[]> = {
      ready: [healthy(`${service}-a`), healthy(`${service}-b`)],
      crash: [pod(`${service}-a`, { containers: [looping] }), pod(`${service}-b`, { containers: [looping] })],
      hang: [pod(`${service}-a`), pod(`${service}-b`)],
    }
    const generation = (this.rollouts.get(service)?.deployment.generation ?? 0) + 1
    this.rollouts.set(
      service,
      rollout(pods[behaviour], {}, { name: service, generation, observedGeneration: generation }),
    )
    this.watch.emit('change')
  }
}

function tagOf({ set }: ChartInput): string {
  return set['image.tag'] ?? '1.0.0'
}

function objectsOf(service: string, tag: string): KubernetesObject[] {
  const containers = [{ name: service, image: `emr-platform/${service}:${tag}` }]
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: service },
      ...{ spec: { template: { spec: { containers } } } },
    },
  ]
}
