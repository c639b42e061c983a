import { isObject, type JsonObject } from '../json.ts'
import { parseBody } from './body.ts'
import type { Answer, Api, ResourceRequest } from './request.ts'
import { refuse } from './status.ts'

const USER = { username: 'emr-sandbox', groups: ['system:masters', 'system:authenticated'] }

/** The questions that a client asks about itself; everything is allowed that the administrator has not denied. */
export function review(api: Api, request: ResourceRequest): Answer {
  const body = parseBody(request)
  const asked: JsonObject = isObject(body) ? body : {}
  return { code: 201, json: { ...asked, status: statusOf(api, request, asked.spec) } }
}

function statusOf(api: Api, request: ResourceRequest, spec: unknown): object {
  switch (request.type.kind) {
    case 'SelfSubjectReview':
      return { userInfo: USER }
    case 'SelfSubjectRulesReview':
      return {
        // What is denied cannot be said in rules, which only give: then each right is asked for by itself.
        resourceRules: api.denies?.() ? [] : [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
        nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
        incomplete: api.denies?.() ?? false,
      }
    case 'SelfSubjectAccessReview': {
      const attributes = (isObject(spec) ? spec.resourceAttributes : undefined) as
        | { verb?: string; resource?: string }
        | undefined
      if (!attributes) return { allowed: true }
      return { allowed: !api.isDenied(attributes.verb ?? '', attributes.resource ?? '') }
    }
    default:
      throw refuse.methodNotAllowed()
  }
}
