import type { Service } from 'kubernetes-types/core/v1.js'
import { answerService } from '../ingress/backend.ts'
import { find } from './read.ts'
import type { Answer, Api, ResourceRequest } from './request.ts'
import { StatusError } from './status.ts'

/** services/[SCHEME:]NAME[:PORT]/proxy/PATH: the service's answer, through the API server. */
export function proxyToService(api: Api, request: ResourceRequest): Answer {
  const parts = (request.name ?? '').split(':')
  const name = parts.length === 3 ? parts[1] : parts[0]
  const service = find(api, { ...request, name: name ?? '' }).object as unknown as Service
  const path = `/${(request.subresource ?? '').split('/').slice(1).join('/')}`
  const reply = answerService(api.store, service, path)
  if (!reply) {
    const message = `no endpoints available for service "${request.name}"`
    throw new StatusError(503, 'ServiceUnavailable', message)
  }
  return { code: reply.status, text: reply.body, contentType: 'application/json', headers: reply.headers }
}
