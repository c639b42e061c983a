import { createHash } from 'node:crypto'
import type { Secret } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../../adapters/kubernetes/types.ts'
import { equal, timestamp } from '../json.ts'
import type { Cluster } from './cluster.ts'
import { controlledBy } from './owners.ts'
import { types } from './types.ts'

const MANAGER = 'external-secrets'
const SOURCE = { component: 'external-secrets' }

interface ExternalSecret extends KubernetesObject {
  spec: {
    secretStoreRef?: { name?: string; kind?: string }
    target?: {
      name?: string
      template?: {
        type?: string
        metadata?: Pick<KubernetesObject['metadata'] & object, 'labels' | 'annotations'>
      }
    }
    data?: { secretKey: string; remoteRef: { key: string; property?: string } }[]
    dataFrom?: { extract?: { key: string } }[]
  }
  status?: { conditions?: { type: string; status: string; lastTransitionTime?: string }[] }
}

/** What `dataFrom.extract` finds in any secret of the invented AWS Secrets Manager. */
const EXTRACTED = ['username', 'password', 'host', 'port', 'dbname']

/** ExternalSecret -> Secret, with invented values that stay the same; after the External Secrets operator. */
export function startExternalSecrets(cluster: Cluster): void {
  const externals = cluster.collection<ExternalSecret>(types.externalSecrets)
  const secrets = cluster.collection<Secret>(types.secrets)
  const queue = cluster.queue(async (uid) => {
    const external = externals.byUid(uid)
    if (external && !external.metadata?.deletionTimestamp) await sync(cluster, external)
    return undefined
  })
  externals.onChange(({ metadata }, isDeleted) => {
    if (!isDeleted) queue.add(metadata?.uid ?? '')
  })
  secrets.onChange(({ metadata }) => {
    for (const owner of metadata?.ownerReferences ?? []) {
      if (owner.kind === 'ExternalSecret') queue.add(owner.uid)
    }
  })
}

async function sync(cluster: Cluster, external: ExternalSecret): Promise<void> {
  const { metadata, spec } = external
  const { namespace = '', name: own = '' } = metadata ?? {}
  const name = spec.target?.name ?? own
  const existing = cluster.collection<Secret>(types.secrets).get(namespace, name)
  const draft: Secret = {
    metadata: {
      name,
      namespace,
      labels: { ...spec.target?.template?.metadata?.labels, 'reconcile.external-secrets.io/managed': 'true' },
      annotations: spec.target?.template?.metadata?.annotations,
      ownerReferences: [controlledBy(types.externalSecrets, external)],
    },
    type: spec.target?.template?.type ?? 'Opaque',
    data: invent(external),
  }
  if (!existing) {
    await cluster.create(types.secrets, draft, namespace, MANAGER)
    const message = 'secret created'
    cluster.events.record(external, SOURCE, { type: 'Normal', reason: 'Created', message })
  } else if (!equal(existing.data, draft.data)) {
    await cluster.client.replace(types.secrets, { ...existing, data: draft.data }, { fieldManager: MANAGER })
  }
  const old = external.status?.conditions?.find(({ type }) => type === 'Ready')
  const condition = {
    type: 'Ready',
    status: 'True',
    reason: 'SecretSynced',
    message: 'secret synced',
    lastTransitionTime: old?.status === 'True' ? old.lastTransitionTime : timestamp(),
  }
  const status = {
    refreshTime: (external.status as { refreshTime?: string } | undefined)?.refreshTime ?? timestamp(),
    syncedResourceVersion: `${metadata?.generation}-${hash(JSON.stringify(spec)).slice(0, 32)}`,
    binding: { name },
    conditions: [condition],
  }
  await cluster.setStatus(types.externalSecrets, external, status, MANAGER)
}

function invent({ spec }: ExternalSecret): Record<string, string> {
  const keys: [string, string][] = [
    ...(spec.dataFrom ?? []).flatMap(({ extract }): [string, string][] =>
      extract ? EXTRACTED.map((key) => [key, `${extract.key}/${key}`]) : [],
    ),
    ...(spec.data ?? []).map(({ secretKey, remoteRef }): [string, string] => [
      secretKey,
      `${remoteRef.key}/${remoteRef.property ?? ''}`,
    ]),
  ]
  return Object.fromEntries(
    keys.map(([key, source]) => [
      key,
      Buffer.from(`sandbox-${hash(source).slice(0, 24)}`).toString('base64'),
    ]),
  )
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
