import type { ClusterRole, PolicyRule } from 'kubernetes-types/rbac/v1.js'
import type { KubernetesClient } from '../../../src/lib/adapters/kubernetes/client.ts'
import type { ApiFaults } from '../../../src/lib/sandbox/api/faults.ts'

interface Resources {
  resources: { name: string; verbs: string[] }[]
}

/** Verbs that discovery does not tell of. */
const FURTHER: Record<string, string[]> = {
  roles: ['bind', 'escalate'],
  clusterroles: ['bind', 'escalate'],
  serviceaccounts: ['impersonate'],
}

/** A role of everything that the API server serves, but for what is denied: RBAC itself only grants. */
export async function allBut(
  client: KubernetesClient,
  denied: ApiFaults['denied'],
  name: string,
): Promise<ClusterRole> {
  const { groups } = await client.json<{ groups: { preferredVersion: { groupVersion: string } }[] }>(
    'GET',
    '/apis',
  )
  const versions = ['v1', ...groups.map(({ preferredVersion }) => preferredVersion.groupVersion)]
  const rules = await Promise.all(versions.map((version) => rulesOf(client, version, denied)))
  return {
    metadata: { name },
    rules: [...rules.flat(), { nonResourceURLs: ['*'], verbs: ['*'] }],
  }
}

async function rulesOf(
  client: KubernetesClient,
  version: string,
  denied: ApiFaults['denied'],
): Promise<PolicyRule[]> {
  const path = version === 'v1' ? '/api/v1' : `/apis/${version}`
  const { resources } = await client.json<Resources>('GET', path)
  return resources.flatMap(({ name, verbs }) => {
    const [plural = ''] = name.split('/')
    const granted = [...verbs, ...(FURTHER[name] ?? [])].filter(
      (verb) =>
        !denied.some((rule) => ['*', plural].includes(rule.resource) && ['*', verb].includes(rule.verb)),
    )
    const apiGroups = [version === 'v1' ? '' : (version.split('/')[0] ?? '')]
    return granted.length === 0 ? [] : [{ apiGroups, resources: [name], verbs: granted }]
  })
}
