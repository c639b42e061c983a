import type { AccessRequest } from '../../domain/rights.ts'
import type { KubernetesClient } from './client.ts'

const PATH = '/apis/authorization.k8s.io/v1'

interface RulesReview {
  status?: { incomplete?: boolean; resourceRules?: Rule[] | null }
}

interface Rule {
  verbs: string[]
  apiGroups?: string[]
  resources?: string[]
  resourceNames?: string[]
}

/**
 * Asks the API server which of these the identity may not do: by one review of all rules of the namespace, and one by one
 * for what these do not give, since a webhook or another authorizer may still allow it.
 */
export async function deniedOf<Request extends AccessRequest>(
  client: Pick<KubernetesClient, 'json'>,
  namespace: string,
  requests: readonly Request[],
  signal: AbortSignal,
): Promise<Request[]> {
  const rules = await rulesOf(client, namespace, signal)
  const open = requests.filter(
    (each) => each.scope !== 'namespace' || !rules.some((rule) => gives(rule, each)),
  )
  const allowed = await Promise.all(open.map((each) => isAllowed(client, namespace, each, signal)))
  return open.filter((_, index) => !allowed[index])
}

async function rulesOf(
  client: Pick<KubernetesClient, 'json'>,
  namespace: string,
  signal: AbortSignal,
): Promise<Rule[]> {
  const body = { ...kindOf('SelfSubjectRulesReview'), spec: { namespace } }
  const { status } = await client.json<RulesReview>('POST', `${PATH}/selfsubjectrulesreviews`, {
    body,
    signal,
  })
  return status?.resourceRules ?? []
}

async function isAllowed(
  client: Pick<KubernetesClient, 'json'>,
  namespace: string,
  { verb, group, resource: path, scope }: AccessRequest,
  signal: AbortSignal,
): Promise<boolean> {
  const [resource, subresource] = path.split('/')
  const where = { namespace, 'kube-system': 'kube-system', cluster: undefined }[scope]
  const resourceAttributes = { namespace: where, verb, group, resource, subresource }
  const body = { ...kindOf('SelfSubjectAccessReview'), spec: { resourceAttributes } }
  const review = await client.json<{ status?: { allowed?: boolean } }>(
    'POST',
    `${PATH}/selfsubjectaccessreviews`,
    { body, signal },
  )
  return review.status?.allowed === true
}

/** A rule for named objects alone does not give the right to all of them. */
function gives(
  { verbs, apiGroups = [], resources = [], resourceNames = [] }: Rule,
  wanted: AccessRequest,
): boolean {
  const has = (all: readonly string[], one: string) => all.includes('*') || all.includes(one)
  const [, subresource] = wanted.resource.split('/')
  const isResource =
    has(resources, wanted.resource) || (subresource !== undefined && resources.includes(`*/${subresource}`))
  return resourceNames.length === 0 && has(verbs, wanted.verb) && has(apiGroups, wanted.group) && isResource
}

function kindOf(kind: string): { apiVersion: string; kind: string } {
  return { apiVersion: 'authorization.k8s.io/v1', kind }
}
