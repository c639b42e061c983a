import type { Release } from '../../adapters/helm/release.ts'
import { tagOf } from '../../domain/image.ts'
import { fieldChanges } from '../../domain/manifest/diff.ts'
import { objectKey, objectName } from '../../domain/manifest/object.ts'
import type { LiveStates, ServiceRecord, ServiceState } from '../../domain/release/release-set.ts'
import { wavesOf } from '../../domain/waves.ts'
import { EmrError, ExitCode } from '../../errors.ts'
import type { ReleasePorts } from '../deploy/change-service.ts'
import { pausedWarnings } from '../deploy/paused.ts'
import { maskSecret } from '../deploy/service-plan.ts'
import type { ObjectChange } from '../deploy/types.ts'
import { deploymentsOf, imageOf, stateOf } from '../release-state.ts'
import type { RollbackPlan, RollbackService } from './types.ts'

/**
 * What it takes to bring services back to what a set left them as, in reverse waves: what calls the others goes first.
 * @param options.only the services to go back with; empty for all
 * @param options.live all services as they are; those that the set does not know are named
 * @throws {EmrError} REVISION_GONE (4) naming each service whose state helm does not keep any more
 */
export async function planSet(
  ports: ReleasePorts,
  records: Record<string, ServiceRecord>,
  { only, live }: { only: string[]; live: LiveStates },
): Promise<RollbackPlan> {
  const { environment } = ports
  const isWanted = (name: string) => only.length === 0 || only.includes(name)
  const wanted = Object.entries(records).flatMap(([name, { after }]) =>
    after && isWanted(name) ? [{ name, state: after }] : [],
  )
  const waves = reverseWaves(ports)
  const planned = await Promise.all(
    wanted.map(async ({ name, state }) => {
      const release = await ports.helm.status(name, { signal: ports.signal })
      if (release === undefined || release.status === 'uninstalled') return { name }
      return { name, plan: await planService(ports, release, state, waves.get(name) ?? 0) }
    }),
  )
  const services = planned.flatMap(({ plan }) => plan ?? [])
  return {
    environment: environment.name,
    namespace: environment.namespace,
    services,
    warnings: await pausedWarnings(
      ports,
      services.flatMap(({ deployments }) => deployments),
    ),
    missing: planned.filter(({ plan }) => plan === undefined).map(({ name }) => name),
    added: Object.keys(live).filter((name) => live[name] && isWanted(name) && !records[name]?.after),
  }
}

function reverseWaves({ environment }: ReleasePorts): Map<string, number> {
  const waves = wavesOf(environment.services).reverse()
  return new Map(waves.flatMap((wave, index) => wave.map(({ name }) => [name, index] as const)))
}

async function planService(
  ports: ReleasePorts,
  release: Release,
  state: ServiceState,
  wave: number,
): Promise<RollbackService> {
  const { name: service } = release
  const same = release.status === 'deployed' && stateOf(release)?.manifest === state.manifest
  const target = same ? release : await revisionWith(ports, service, state)
  return {
    service,
    action: same ? 'unchanged' : 'rollback',
    wave,
    revision: release.revision,
    target: target.revision,
    image: { before: imageOf(release.objects), after: imageOf(target.objects) },
    changes: same ? [] : objectChanges(release, target),
    deployments: deploymentsOf(target.objects),
  }
}

/** The recorded revision, if it is still what was recorded; else another one that renders the same. */
async function revisionWith(
  { helm, signal }: ReleasePorts,
  service: string,
  state: ServiceState,
): Promise<Release> {
  const history = await helm.history(service, { signal })
  const others = history.map(({ revision }) => revision).filter((revision) => revision !== state.revision)
  for (const revision of [state.revision, ...others.reverse()]) {
    const release = await helm.status(service, { signal, revision })
    if (release && stateOf(release)?.manifest === state.manifest) return release
  }
  throw new EmrError(
    `helm does not keep the state of ${service} any more (it was revision ${state.revision})`,
    {
      code: 'REVISION_GONE',
      exitCode: ExitCode.preflight,
      details: { service, revision: state.revision, image: state.image },
      suggestions: [
        `deploy it instead: emr deploy … --services ${service} --tag ${tagOf(state.image) || 'TAG'}`,
      ],
    },
  )
}

function objectChanges(from: Release, to: Release): ObjectChange[] {
  const before = new Map(from.objects.map((object) => [objectKey(object), object]))
  const after = new Map(to.objects.map((object) => [objectKey(object), object]))
  const changes: ObjectChange[] = []
  for (const [key, object] of after) {
    const old = before.get(key)
    const fields = old ? maskSecret(object, fieldChanges(old, object)) : []
    if (old === undefined) changes.push({ action: 'create', object: objectName(object), fields })
    else if (fields.length > 0) changes.push({ action: 'update', object: objectName(object), fields })
  }
  const removed = [...before].filter(([key]) => !after.has(key)).map(([, object]) => object)
  return [
    ...changes,
    ...removed.map((object) => ({ action: 'delete' as const, object: objectName(object), fields: [] })),
  ]
}
