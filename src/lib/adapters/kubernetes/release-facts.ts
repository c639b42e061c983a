import type { Secret } from 'kubernetes-types/core/v1.js'
import type { ReleaseFacts } from '../../domain/diagnosis/facts.ts'
import { EmrError, ExitCode } from '../../errors.ts'
import { parseStored } from '../helm/release.ts'

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
