import type { Pod, ServiceAccount, Volume } from 'kubernetes-types/core/v1.js'
import { randomSuffix } from '../names.ts'
import type { Api } from '../request.ts'
import { refuse } from '../status.ts'

const TOKEN_PATH = '/var/run/secrets/kubernetes.io/serviceaccount'

/**
 * The ServiceAccount plugin: a pod runs as an account of its namespace and gets its token, unless it or the account
 * says no.
 * @throws {StatusError} 403 when there is no such account
 */
export function admitServiceAccount({ store }: Api, { metadata, spec }: Pod): void {
  if (!spec) return
  const { namespace = '', name: podName = '' } = metadata ?? {}
  spec.serviceAccountName ??= 'default'
  spec.serviceAccount = spec.serviceAccountName
  const name = spec.serviceAccountName
  const entry = store.get('serviceaccounts', namespace, name)
  if (!entry) {
    const why = `error looking up service account ${namespace}/${name}: serviceaccount "${name}" not found`
    throw refuse.forbidden({ group: '', plural: 'pods' }, podName, why)
  }
  const account = entry.object as unknown as ServiceAccount
  if (!(spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true)) return
  const containers = [...(spec.initContainers ?? []), ...spec.containers]
  const without = containers.filter(
    ({ volumeMounts = [] }) => !volumeMounts.some(({ mountPath }) => mountPath === TOKEN_PATH),
  )
  if (without.length === 0) return
  const volume = tokenVolume()
  spec.volumes = [...(spec.volumes ?? []), volume]
  for (const container of without) {
    container.volumeMounts = [
      ...(container.volumeMounts ?? []),
      { name: volume.name, mountPath: TOKEN_PATH, readOnly: true },
    ]
  }
}

function tokenVolume(): Volume {
  const namespaceField = { apiVersion: 'v1', fieldPath: 'metadata.namespace' }
  return {
    name: `kube-api-access-${randomSuffix()}`,
    projected: {
      defaultMode: 420,
      sources: [
        { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        { downwardAPI: { items: [{ path: 'namespace', fieldRef: namespaceField }] } },
      ],
    },
  }
}
