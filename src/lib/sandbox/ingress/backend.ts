import type { Pod, Service } from 'kubernetes-types/core/v1.js'
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js'
import type { Store } from '../store/store.ts'

/** What a service's pod answers over HTTP. */
export interface BackendAnswer {
  status: number
  headers: Record<string, string>
  body: string
}

/** Services take turns over their pods, each over its own. */
const turns = new Map<string, number>()

/**
 * Asks one of a service's ready pods, in turn.
 * @returns undefined when none is ready
 */
export function answerService(
  store: Pick<Store, 'list' | 'get'>,
  service: Service,
  path: string,
): BackendAnswer | undefined {
  const { namespace = '', name = '' } = service.metadata ?? {}
  const ready = readyPods(store, namespace, name)
  const turn = (turns.get(`${namespace}/${name}`) ?? -1) + 1
  turns.set(`${namespace}/${name}`, turn)
  const pod = ready[turn % ready.length]
  return pod && answerPod(store, pod, path)
}

function readyPods(store: Pick<Store, 'list' | 'get'>, namespace: string, service: string): Pod[] {
  return store
    .list('endpointslices.discovery.k8s.io', namespace)
    .map(({ object }) => object as unknown as EndpointSlice)
    .filter(({ metadata }) => metadata?.labels?.['kubernetes.io/service-name'] === service)
    .flatMap(({ endpoints }) => endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready)
    .flatMap(({ targetRef }) => {
      const entry = store.get('pods', namespace, targetRef?.name ?? '')
      return entry ? [entry.object as unknown as Pod] : []
    })
}

/** The gateway hands `/api/SERVICE/...` on to that service; everything else a pod answers itself. */
function answerPod(store: Pick<Store, 'list' | 'get'>, pod: Pod, path: string): BackendAnswer {
  const { namespace = '' } = pod.metadata ?? {}
  const [, target] = /^\/api\/(?:v\d+\/)?([a-z0-9-]+)(?=[/?]|$)/.exec(path) ?? []
  const own = serviceName(pod)
  if (target === undefined || target === own) return identity(pod, 200)
  const service = store.get('services', namespace, target)
  if (!service) return identity(pod, 404, { error: `no route to ${target}` })
  const next = answerService(store, service.object as unknown as Service, '/')
  return next ?? identity(pod, 503, { error: `${target} has no ready pods` })
}

function serviceName({ metadata }: Pod): string {
  return metadata?.labels?.['app.kubernetes.io/name'] ?? metadata?.labels?.app ?? metadata?.name ?? ''
}

function identity(pod: Pod, status: number, more: Record<string, unknown> = {}): BackendAnswer {
  const service = serviceName(pod)
  const image = pod.spec?.containers[0]?.image ?? ''
  const version = /:([^:/@]+)(?:@.*)?$/.exec(image)?.[1] ?? 'latest'
  const body = {
    status: status === 200 ? 'ok' : 'error',
    service,
    version,
    pod: pod.metadata?.name,
    ...more,
  }
  return {
    status,
    headers: {
      'content-type': 'application/json',
      'x-service-name': service,
      'x-service-version': version,
      'strict-transport-security': 'max-age=31536000; includeSubDomains',
    },
    body: `${JSON.stringify(body)}\n`,
  }
}
