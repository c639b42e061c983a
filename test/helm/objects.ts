import { parseAllDocuments } from 'yaml'
import type { Kinds } from './schema/kinds.ts'

/** A rendered object of one of the kinds that the charts use. */
export type Kubernetes = { [K in keyof Kinds]: Kinds[K] & { kind?: K } }[keyof Kinds]
export type Container = NonNullable<NonNullable<Kinds['Pod']['spec']>['containers']>[number]
export type PodSpec = NonNullable<Kinds['Pod']['spec']>
export type Labels = Record<string, string>

/** Reads helm's output as helm does: as YAML 1.1. */
export function parseObjects(text: string): Kubernetes[] {
  return parseAllDocuments(text, { version: '1.1' }).flatMap((document) => {
    if ('errors' in document && document.errors[0]) throw document.errors[0]
    const object = document.toJS() as Kubernetes | null
    return object === null ? [] : [object]
  })
}

export function ofKind<K extends keyof Kinds>(objects: readonly Kubernetes[], kind: K): Kinds[K][] {
  return objects.filter((object) => object.kind === kind) as Kinds[K][]
}

/** `Deployment/api-gateway`: how an object is named in a violation. */
export function nameOf(object: Kubernetes): string {
  return `${object.kind}/${object.metadata?.name}`
}

/** True when a selector of labels picks an object that carries these. */
export function selects(selector: Labels | undefined, labels: Labels | undefined): boolean {
  const wanted = Object.entries(selector ?? {})
  return wanted.length > 0 && wanted.every(([key, value]) => labels?.[key] === value)
}

export interface Workload {
  /** `Deployment/api-gateway` */
  name: string
  labels: Labels
  spec: PodSpec
}

/** Everything that runs: the pods of Deployments, and the pods of `helm test`. */
export function workloads(objects: readonly Kubernetes[]): Workload[] {
  const templates = ofKind(objects, 'Deployment').map((deployment) => ({
    name: nameOf(deployment as Kubernetes),
    pod: deployment.spec?.template,
  }))
  const pods = ofKind(objects, 'Pod').map((pod) => ({ name: nameOf(pod as Kubernetes), pod }))
  return [...templates, ...pods].flatMap(({ name, pod }) =>
    pod?.spec ? [{ name, labels: pod.metadata?.labels ?? {}, spec: pod.spec }] : [],
  )
}

/** The containers of a pod, those that run before it included. */
export function containersOf(spec: PodSpec): Container[] {
  return [...(spec.initContainers ?? []), ...spec.containers]
}

/** The faults (description -> whether it holds) of every container of every pod. */
export function perContainer(
  objects: readonly Kubernetes[],
  faultsOf: (container: Container, pod: PodSpec) => Record<string, boolean>,
): string[] {
  return workloads(objects).flatMap((workload) =>
    containersOf(workload.spec).flatMap((container) =>
      Object.entries(faultsOf(container, workload.spec))
        .filter(([, holds]) => holds)
        .map(([fault]) => `${workload.name}: container ${container.name} ${fault}`),
    ),
  )
}
