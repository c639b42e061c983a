import { randomInt } from 'node:crypto'
import type { Service } from 'kubernetes-types/core/v1.js'
import type { Ingress, NetworkPolicy } from 'kubernetes-types/networking/v1.js'
import type { Writable } from '../../json.ts'

/** EKS gives services addresses in 10.100.0.0/16 unless the nodes are there themselves. */
function clusterAddress(taken: Set<string>): string {
  for (;;) {
    const address = `10.100.${randomInt(256)}.${randomInt(1, 255)}`
    if (!taken.has(address)) return address
  }
}

export function defaultService(service: Writable<Service>): void {
  const { spec } = service
  if (!spec) return
  spec.type ??= 'ClusterIP'
  spec.sessionAffinity ??= 'None'
  for (const port of spec.ports ?? []) {
    port.protocol ??= 'TCP'
    port.targetPort ??= port.port
  }
  service.status ??= { loadBalancer: {} }
  if (spec.type === 'ExternalName') return
  spec.internalTrafficPolicy ??= 'Cluster'
  if (spec.type === 'ClusterIP') return
  spec.externalTrafficPolicy ??= 'Cluster'
  if (spec.type === 'LoadBalancer') spec.allocateLoadBalancerNodePorts ??= true
}

/**
 * Addresses and node ports, which the server chooses once and keeps when an update leaves them out.
 * @param taken the cluster addresses of all services
 */
export function allocateService(
  { spec }: Service,
  before: Service['spec'] | undefined,
  taken: () => Set<string>,
): void {
  if (!spec || spec.type === 'ExternalName') return
  spec.clusterIP ??= spec.clusterIPs?.[0] ?? before?.clusterIP ?? clusterAddress(taken())
  spec.clusterIPs ??= [spec.clusterIP]
  spec.ipFamilies ??= before?.ipFamilies ?? ['IPv4']
  spec.ipFamilyPolicy ??= before?.ipFamilyPolicy ?? 'SingleStack'
  if (spec.type === 'ClusterIP') return
  for (const port of spec.ports ?? []) {
    port.nodePort ??= before?.ports?.find(({ name }) => name === port.name)?.nodePort ?? nodePort()
  }
}

function nodePort(): number {
  return 30_000 + randomInt(2768)
}

export function defaultIngress(ingress: Writable<Ingress>): void {
  ingress.status ??= { loadBalancer: {} }
}

export function defaultNetworkPolicy({ spec }: NetworkPolicy): void {
  if (!spec) return
  spec.policyTypes ??= spec.egress ? ['Ingress', 'Egress'] : ['Ingress']
  for (const { ports = [] } of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) {
    for (const port of ports) port.protocol ??= 'TCP'
  }
}
