import type { Helm } from '../adapters/helm/helm.ts'
import type { Release } from '../adapters/helm/release.ts'
import type { KubernetesObject } from '../adapters/kubernetes/types.ts'
import { digest } from '../digest.ts'
import { canonicalJson } from '../domain/canonical-json.ts'
import type { Environment } from '../domain/environment.ts'
import { objectKey } from '../domain/manifest/object.ts'
import type { LiveStates, ServiceState } from '../domain/release/release-set.ts'
import { serviceContainer, type Template } from '../domain/service-container.ts'
import { EmrError, ExitCode } from '../errors.ts'

interface Workload extends KubernetesObject {
  spec?: { template?: Template }
}

/** What is not there cannot be changed. */
export function notInstalled({ environment }: { environment: Environment }, service: string): EmrError {
  return new EmrError(`${service} is not installed in ${environment.name}`, {
    code: 'NOT_INSTALLED',
    exitCode: ExitCode.preflight,
    suggestions: [`emr deploy ${environment.name} --services ${service}`],
  })
}

/** The image of the service's own container in its first Deployment. */
export function imageOf(objects: KubernetesObject[] | undefined): string | undefined {
  const deployment = objects?.find(({ kind }) => kind === 'Deployment') as Workload | undefined
  const { name, labels } = deployment?.metadata ?? {}
  const service = labels?.['app.kubernetes.io/name'] ?? name
  return deployment?.spec?.template && serviceContainer(deployment.spec.template, service)?.image
}

/** The names of a release's Deployments, whose roll-outs are followed. */
export function deploymentsOf(objects: KubernetesObject[]): string[] {
  return objects.filter(({ kind }) => kind === 'Deployment').map(({ metadata }) => metadata?.name ?? '')
}

/** A digest of rendered objects, whatever their order. */
export function manifestDigest(objects: KubernetesObject[]): string {
  return digest(canonicalJson(Object.fromEntries(objects.map((object) => [objectKey(object), object]))))
}

/** What a release is, or undefined where nothing is installed. */
export function stateOf(release: Release | undefined): ServiceState | undefined {
  if (release === undefined || release.status === 'uninstalled') return undefined
  const labels = release.objects.find(({ kind }) => kind === 'Deployment')?.metadata?.labels
  return {
    revision: release.revision,
    chart: labels?.['helm.sh/chart'] ?? release.name,
    image: imageOf(release.objects),
    values: digest(canonicalJson(release.values)),
    manifest: manifestDigest([...release.objects, ...release.hooks]),
  }
}

/** The state of each service as helm has it now. */
export async function liveStates(
  helm: Pick<Helm, 'status'>,
  services: string[],
  signal: AbortSignal,
): Promise<LiveStates> {
  const entries = await Promise.all(
    services.map(async (name) => [name, stateOf(await helm.status(name, { signal }))] as const),
  )
  return Object.fromEntries(entries)
}
