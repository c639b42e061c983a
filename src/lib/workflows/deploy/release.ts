import { setTimeout as delay } from 'node:timers/promises'
import type { Release } from '../../adapters/helm/release.ts'
import { withEllipsis } from '../../domain/ellipsis.ts'
import { messageOf } from '../../errors.ts'
import type { DeployPorts, ServicePlan } from './types.ts'

/** Another helm that still works on the release gets this long to finish before its revision counts as left behind. */
const PENDING_GRACE_MS = 15_000
const POLL_MS = 500
/** An API server that is being replaced is away for about half a minute. */
const BACKOFF_MS = [1_000, 2_000, 4_000, 8_000, 8_000, 8_000, 8_000]

/** A webhook that is being replaced is back within seconds; one that is broken stays so. */
const ADMISSION = /failed calling webhook|admission webhook/
const ADMISSION_BACKOFF_MS = [1_000, 2_000, 4_000]
/** Most characters of a reason in a line of progress. */
const REASON = 160

export interface ReleaseStep {
  ports: Pick<DeployPorts, 'helm' | 'id' | 'now'>
  signal: AbortSignal
  /** Milliseconds for hooks. */
  timeoutMs: number
  onProgress: (text: string) => void
}

/**
 * Brings a release to its planned state, without waiting for the pods. Faults of the API server in the middle are
 * retried, each time from a consistent release.
 * @returns the new revision
 * @throws {ToolError} when helm fails for another reason
 */
export function upgradeRelease(step: ReleaseStep, plan: ServicePlan): Promise<number> {
  const { ports, signal, timeoutMs, onProgress } = step
  return retrying(step, async (isFirst) => {
    // helm itself refuses to upgrade what has become pending since it was planned.
    if (!isFirst || plan.action === 'recover') await settleRelease(step, plan.service)
    onProgress('helm upgrade')
    return ports.helm.upgrade(plan.input, { signal, timeoutMs, description: `emr deploy ${ports.id}` })
  })
}

/**
 * Brings a release back to an earlier revision, whatever its state is, without waiting for the pods.
 * @returns the new revision, which equals the earlier one
 */
export function rollbackRelease(step: ReleaseStep, service: string, revision: number): Promise<number> {
  const { ports, signal, timeoutMs, onProgress } = step
  return retrying(step, async () => {
    await leftPending(step, service)
    onProgress(`helm rollback to revision ${revision}`)
    await ports.helm.rollback(service, revision, { signal, timeoutMs })
    return (await ports.helm.status(service, { signal }))?.revision ?? revision
  })
}

async function retrying(
  { ports, signal, onProgress }: ReleaseStep,
  attempt: (isFirst: boolean) => Promise<number>,
): Promise<number> {
  for (let failures = 0; ; failures += 1) {
    try {
      return await attempt(failures === 0)
    } catch (error) {
      const reason = messageOf(error).trim().split('\n').at(-1) ?? ''
      const isAdmission = ADMISSION.test(reason)
      const pause = (isAdmission ? ADMISSION_BACKOFF_MS : BACKOFF_MS)[failures]
      if (signal.aborted || !ports.helm.isTransient(error) || pause === undefined) throw error
      const whose = isAdmission ? 'an admission webhook failed' : 'the API server failed'
      onProgress(`${whose}, trying again in ${pause / 1000} s: ${withEllipsis(reason, REASON)}`)
      await delay(pause, undefined, { signal })
    }
  }
}

/**
 * Takes a release out of `pending-*`, where a killed helm leaves it and where every further upgrade is refused. The
 * last deployed revision is rolled back to; where there is none, the unfinished first install is finished. Release
 * records are never deleted.
 * @param graceMs how old a pending revision must be before it counts as left behind
 */
export async function settleRelease(
  step: ReleaseStep,
  service: string,
  graceMs = PENDING_GRACE_MS,
): Promise<void> {
  const { ports, signal, timeoutMs, onProgress } = step
  const release = await leftPending(step, service, graceMs)
  if (release === undefined) return
  const history = await ports.helm.history(service, { signal })
  const target = history.findLast(({ status }) => status === 'deployed')?.revision ?? release.revision
  onProgress(`revision ${release.revision} was left ${release.status}: back to revision ${target}`)
  await ports.helm.rollback(service, target, { signal, timeoutMs })
}

/** The release, where a killed helm has left it pending; a helm that still works on it is waited for. */
async function leftPending(
  { ports, signal, onProgress }: ReleaseStep,
  service: string,
  graceMs = PENDING_GRACE_MS,
): Promise<Release | undefined> {
  const pending = async (): Promise<Release | undefined> => {
    const release = await ports.helm.status(service, { signal })
    return release?.status.startsWith('pending-') ? release : undefined
  }
  let release = await pending()
  while (release !== undefined && ports.now() - release.updatedAt < graceMs) {
    onProgress(`waiting for another helm that works on revision ${release.revision}`)
    await delay(POLL_MS, undefined, { signal })
    release = await pending()
  }
  return release
}
