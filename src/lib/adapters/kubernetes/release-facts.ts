import type { Secret } from 'kubernetes-types/core/v1.js'
import type { ReleaseFacts } from '../../domain/diagnosis/facts.ts'
import { EmrError, ExitCode } from '../../errors.ts'
import { parseStored } from '../helm/release.ts'
import { type KubernetesClient, METADATA_ONLY } from './client.ts'
import { resources } from './resources.ts'

/**
 * Which objects a release has in its own namespace, by kind and name: nothing else is kept of its Secret.
 * @throws {EmrError} RELEASE_UNREADABLE (exit 4) for a Secret that is not as helm makes it
 */
export function releaseFacts({ metadata, data }: Secret): ReleaseFacts {
  try {
    const { name, namespace, objects } = parseStored(
      Buffer.from(data?.release ?? '', 'base64').toString('utf8'),
    )
    const own = objects.filter((object) => (object.metadata?.namespace ?? namespace) === namespace)
    return { name, objects: own.map(({ kind = '', metadata }) => ({ kind, name: metadata?.name ?? '' })) }
  } catch {
    // Without its cause, which quotes what it could not read.
    throw new EmrError(`The Secret ${metadata?.name} holds no release that emr can read`, {
      code: 'RELEASE_UNREADABLE',
      exitCode: ExitCode.preflight,
    })
  }
}

/** helm's newest revision of each release in a namespace, from the labels of its Secrets. */
export async function newestRevisions(
  client: KubernetesClient,
  namespace: string,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const options = { namespace, labelSelector: 'owner=helm', accept: METADATA_ONLY, signal }
  const { items } = await client.list(resources.secrets, options)
  const newest = new Map<string, string>()
  for (const { metadata } of items ?? []) {
    const { name = '', version = '0' } = metadata?.labels ?? {}
    if (Number(version) > Number(newest.get(name) ?? 0)) newest.set(name, version)
  }
  return new Map([...newest].sort(([a], [b]) => a.localeCompare(b)))
}
