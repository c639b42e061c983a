import type { KubernetesClient } from './client.ts'

/** One thing that an identity may or may not do. */
export interface AccessRequest {
  verb: string
  group: string
  /** `deployments`, or with its subresource `pods/log`. */
  resource: string
}

/** What helm and emr do in a namespace during a deploy. */
export const DEPLOY_RIGHTS: AccessRequest[] = [
  ...rights('', ['services', 'configmaps', 'serviceaccounts'], ['get', 'create', 'patch', 'delete']),
  // helm keeps its releases in Secrets, and removes those beyond its history.
  ...rights('', ['secrets'], ['get', 'list', 'create', 'update', 'delete']),
  ...rights('apps', ['deployments'], ['get', 'create', 'patch', 'delete', 'watch']),
  ...rights('apps', ['replicasets'], ['list', 'watch']),
  ...rights('batch', ['jobs'], ['list', 'watch']),
  ...rights('autoscaling', ['horizontalpodautoscalers'], ['get', 'create', 'patch', 'delete']),
  ...rights('policy', ['poddisruptionbudgets'], ['get', 'create', 'patch', 'delete']),
  ...rights('networking.k8s.io', ['ingresses', 'networkpolicies'], ['get', 'create', 'patch', 'delete']),
  ...rights('external-secrets.io', ['externalsecrets'], ['get', 'create', 'patch', 'delete']),
  ...rights('', ['pods', 'events'], ['list', 'watch']),
  // emr's own: the lock, the release sets and the audit log; smoke tests go through the service proxy.
  ...rights('coordination.k8s.io', ['leases'], ['get', 'create', 'update']),
  ...rights('', ['configmaps'], ['list', 'update']),
  ...rights('', ['services/proxy'], ['get']),
  ...rights('networking.k8s.io', ['ingresses'], ['list']),
  ...rights('', ['pods/log'], ['get']),
]

function rights(group: string, resources: string[], verbs: string[]): AccessRequest[] {
  return resources.flatMap((resource) => verbs.map((verb) => ({ group, resource, verb })))
}

/** Asks the API server, by SelfSubjectAccessReview, which of these the identity may not do in the namespace. */
export async function deniedOf(
  client: KubernetesClient,
  namespace: string,
  requests: AccessRequest[],
  signal: AbortSignal,
): Promise<AccessRequest[]> {
  const allowed = await Promise.all(
    requests.map(async ({ verb, group, resource: path }) => {
      const [resource, subresource] = path.split('/')
      const resourceAttributes = { namespace, verb, group, resource, subresource }
      const review = await client.json<{ status?: { allowed?: boolean } }>(
        'POST',
        '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
        {
          body: {
            apiVersion: 'authorization.k8s.io/v1',
            kind: 'SelfSubjectAccessReview',
            spec: { resourceAttributes },
          },
          signal,
        },
      )
      return review.status?.allowed === true
    }),
  )
  return requests.filter((_, index) => !allowed[index])
}
