import type { ContainerPort, Endpoints, Pod, Service, ServicePort } from 'kubernetes-types/core/v1.js'
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js'
import { randomSuffix } from '../api/names.ts'
import { equal } from '../json.ts'
import type { Cluster } from './cluster.ts'
import { controlledBy } from './owners.ts'
import { isReady, MANAGER } from './pods.ts'
import { types } from './types.ts'

const SERVICE_NAME = 'kubernetes.io/service-name'
/** An EndpointSlice holds a hundred endpoints (the controller's default). */
const SLICE_SIZE = 100

/** Service -> Endpoints and EndpointSlices, from the readiness of the pods that it selects. */
export function startEndpoints(cluster: Cluster): void {
  const services = cluster.collection<Service>(types.services)
  const pods = cluster.collection<Pod>(types.pods)
  const slices = cluster.collection<EndpointSlice>(types.endpointSlices)
  const endpoints = cluster.collection<Endpoints>(types.endpoints)
  const queue = cluster.queue(async (uid) => {
    const service = services.byUid(uid)
    if (!service?.spec?.selector || service.metadata?.deletionTimestamp) return undefined
    const { namespace = '', name = '' } = service.metadata ?? {}
    const selected = pods.list(namespace).filter((pod) => selects(service, pod) && hasAddress(pod))
    await writeSlices(cluster, service, selected, ownSlices(slices.list(namespace), name))
    await writeEndpoints(cluster, service, selected, endpoints.get(namespace, name))
    return undefined
  })
  services.onChange((service, isDeleted) => {
    if (!isDeleted) queue.add(service.metadata?.uid ?? '')
    else {
      const old = endpoints.get(service.metadata?.namespace ?? '', service.metadata?.name ?? '')
      if (old) cluster.delete(types.endpoints, old).catch(console.error)
    }
  })
  pods.onChange((pod) => {
    for (const service of services.list(pod.metadata?.namespace)) {
      if (selects(service, pod)) queue.add(service.metadata?.uid ?? '')
    }
  })
}

function selects({ spec }: Service, { metadata }: Pod): boolean {
  const selector = Object.entries(spec?.selector ?? {})
  return selector.length > 0 && selector.every(([key, value]) => metadata?.labels?.[key] === value)
}

function hasAddress({ status }: Pod): boolean {
  return status?.podIP !== undefined && status.phase !== 'Succeeded' && status.phase !== 'Failed'
}

function ownSlices(slices: EndpointSlice[], service: string): EndpointSlice[] {
  return slices
    .filter(({ metadata }) => metadata?.labels?.[SERVICE_NAME] === service)
    .sort((a, b) => ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1))
}

function portNumber({ targetPort, port }: ServicePort, pods: Pod[]): number {
  if (typeof targetPort === 'number') return targetPort
  const ports = (pods[0]?.spec?.containers ?? []).flatMap(
    (container): ContainerPort[] => container.ports ?? [],
  )
  return ports.find(({ name }) => name === targetPort)?.containerPort ?? port
}

async function writeSlices(
  cluster: Cluster,
  service: Service,
  selected: Pod[],
  existing: EndpointSlice[],
): Promise<void> {
  const { namespace = '', name } = service.metadata ?? {}
  const sorted = [...selected].sort((a, b) => ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1))
  const ports = (service.spec?.ports ?? []).map((port) => ({
    name: port.name ?? '',
    port: portNumber(port, sorted),
    protocol: port.protocol,
  }))
  const count = Math.max(1, Math.ceil(sorted.length / SLICE_SIZE))
  for (let index = 0; index < count; index += 1) {
    const endpoints = sorted.slice(index * SLICE_SIZE, (index + 1) * SLICE_SIZE).map(endpointOf)
    const old = existing[index]
    if (!old) {
      const slice: EndpointSlice = {
        metadata: {
          name: `${name}-${randomSuffix()}`,
          namespace,
          labels: {
            ...service.metadata?.labels,
            'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
            [SERVICE_NAME]: name ?? '',
          },
          ownerReferences: [controlledBy(types.services, service)],
        },
        addressType: 'IPv4',
        endpoints,
        ports,
      }
      await cluster.create(types.endpointSlices, slice, namespace, MANAGER)
    } else if (!equal(old.endpoints ?? [], endpoints) || !equal(old.ports ?? [], ports)) {
      await cluster.patch(types.endpointSlices, old, { endpoints, ports }, { fieldManager: MANAGER })
    }
  }
  for (const old of existing.slice(count)) await cluster.delete(types.endpointSlices, old)
}

function endpointOf(pod: Pod): EndpointSlice['endpoints'][number] {
  const { name, namespace, uid, deletionTimestamp } = pod.metadata ?? {}
  const isUp = isReady(pod)
  return {
    addresses: [pod.status?.podIP ?? ''],
    conditions: {
      ready: isUp && !deletionTimestamp,
      serving: isUp,
      terminating: deletionTimestamp !== undefined,
    },
    nodeName: pod.spec?.nodeName,
    targetRef: { kind: 'Pod', name, namespace, uid },
  }
}

async function writeEndpoints(
  cluster: Cluster,
  service: Service,
  selected: Pod[],
  old: Endpoints | undefined,
): Promise<void> {
  const { namespace = '', name, labels } = service.metadata ?? {}
  const address = (pod: Pod) => ({
    ip: pod.status?.podIP ?? '',
    nodeName: pod.spec?.nodeName,
    targetRef: { kind: 'Pod', name: pod.metadata?.name, namespace, uid: pod.metadata?.uid },
  })
  // Endpoints are cut at a thousand addresses.
  const here = selected.filter(({ metadata }) => !metadata?.deletionTimestamp).slice(0, 1000)
  const ready = here.filter(isReady).map(address)
  const notReady = here.filter((pod) => !isReady(pod)).map(address)
  const ports = (service.spec?.ports ?? []).map((port) => ({
    ...(port.name ? { name: port.name } : {}),
    port: portNumber(port, selected),
    protocol: port.protocol,
  }))
  const subset = {
    ...(ready.length > 0 ? { addresses: ready } : {}),
    ...(notReady.length > 0 ? { notReadyAddresses: notReady } : {}),
    ports,
  }
  const subsets = here.length > 0 ? [subset] : []
  if (!old) {
    const made: Endpoints = { metadata: { name, namespace, labels }, subsets }
    await cluster.create(types.endpoints, made, namespace, MANAGER)
  } else if (!equal(old.subsets ?? [], JSON.parse(JSON.stringify(subsets)))) {
    await cluster.patch(types.endpoints, old, { subsets }, { fieldManager: MANAGER })
  }
}
