import { createServer, type Server } from 'node:http'
import type { Service } from 'kubernetes-types/core/v1.js'
import type { HTTPIngressPath, Ingress } from 'kubernetes-types/networking/v1.js'
import type { Store } from '../store/store.ts'

type Known = Pick<Store, 'list' | 'get'>

import { answerService, type BackendAnswer } from './backend.ts'

/**
 * The load balancer: answers by the Ingress rules as the pods behind them would. 404 where no rule matches, 503 where
 * the service has no ready pod.
 * @param onRequest called for each request, as use from outside
 */
export function createIngress(store: Store, onRequest: () => void): Server {
  return createServer((request, response) => {
    onRequest()
    const answer = answerRequest(store, request.headers.host ?? '', request.url ?? '/')
    response.writeHead(answer.status, answer.headers).end(answer.body)
  })
}

/** One answer of it. */
export function answerRequest(store: Known, hostAndPort: string, path: string): BackendAnswer {
  const found = route(store, hostAndPort.split(':')[0] ?? '', path)
  if (!found) return plain(404, 'default backend - 404\n')
  const service = store.get('services', found.namespace, found.service)
  const answer = service && answerService(store, service.object as unknown as Service, path)
  return answer ?? plain(503, 'Service Unavailable\n')
}

function plain(status: number, body: string): BackendAnswer {
  return { status, headers: { 'content-type': 'text/plain' }, body }
}

interface Route {
  namespace: string
  service: string
}

/** The longest matching path of the rules for this host; a loopback address stands for any host. */
function route(store: Known, host: string, path: string): Route | undefined {
  const matches = store.list('ingresses.networking.k8s.io').flatMap(({ object }) => {
    const { metadata, spec } = object as unknown as Ingress
    const namespace = metadata?.namespace ?? ''
    const paths = (spec?.rules ?? [])
      .filter((rule) => matchesHost(rule.host, host))
      .flatMap(({ http }) => http?.paths ?? [])
      .filter((rule) => matchesPath(rule, path))
      .map((rule) => ({
        namespace,
        service: rule.backend.service?.name ?? '',
        length: (rule.path ?? '').length,
      }))
    const service = spec?.defaultBackend?.service?.name
    return service === undefined ? paths : [...paths, { namespace, service, length: 0 }]
  })
  return matches.sort((a, b) => b.length - a.length)[0]
}

function matchesHost(rule: string | undefined, host: string): boolean {
  if (rule === undefined || host === '127.0.0.1' || host === 'localhost') return true
  return rule.startsWith('*.') ? host.slice(host.indexOf('.')) === rule.slice(1) : rule === host
}

function matchesPath({ path = '/', pathType }: HTTPIngressPath, url: string): boolean {
  const [asked = '/'] = url.split('?')
  if (pathType === 'Exact') return asked === path
  const prefix = path.replace(/\*$/, '').replace(/\/$/, '')
  return asked === prefix || asked.startsWith(`${prefix}/`)
}
