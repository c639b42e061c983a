import { createServer, type Server } from 'node:http'
import type { Service } from 'kubernetes-types/core/v1.js'
import type { HTTPIngressPath, Ingress } from 'kubernetes-types/networking/v1.js'
import type { Store } from '../store/store.ts'
import { answerService } from './backend.ts'

/**
 * The load balancer: answers by the Ingress rules as the pods behind them would. 404 where no rule matches, 503 where
 * the service has no ready pod.
 * @param onRequest called for each request, as use from outside
 */
export function createIngress(store: Store, onRequest: () => void): Server {
  return createServer((request, response) => {
    onRequest()
    const path = request.url ?? '/'
    const host = (request.headers.host ?? '').split(':')[0] ?? ''
    const found = route(store, host, path)
    if (!found) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('default backend - 404\n')
      return
    }
    const service = store.get('services', found.namespace, found.service)
    const answer = service && answerService(store, service.object as unknown as Service, path)
    if (!answer) {
      response.writeHead(503, { 'content-type': 'text/plain' }).end('Service Unavailable\n')
      return
    }
    response.writeHead(answer.status, answer.headers).end(answer.body)
  })
}

interface Route {
  namespace: string
  service: string
}

/** The longest matching path of the rules for this host; a loopback address stands for any host. */
function route(store: Store, host: string, path: string): Route | undefined {
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
