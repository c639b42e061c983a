import { type Kubernetes, nameOf, ofKind, selects, workloads } from '../objects.ts'
import type { Release } from '../render.ts'
import type { Kinds } from '../schema/kinds.ts'

type Spec = NonNullable<Kinds['NetworkPolicy']['spec']>
type EgressRule = NonNullable<Spec['egress']>[number]
type Peer = NonNullable<EgressRule['to']>[number]

const databaseSubnets = ['10.0.192.0/22', '10.0.196.0/22', '10.0.200.0/22']
const privateSubnets = ['10.0.64.0/19', '10.0.96.0/19', '10.0.128.0/19']
const publicSubnets = ['10.0.0.0/20', '10.0.16.0/20', '10.0.32.0/20']
const privateNetworks = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16']

/** Each pod is picked by a policy of both directions, and no rule of it is open at one end. */
export function defaultDeny({ objects }: Release): string[] {
  const policies = ofKind(objects, 'NetworkPolicy')
  const unprotected = workloads(objects)
    .filter(({ labels }) => !policies.some(({ spec }) => selects(spec?.podSelector.matchLabels, labels)))
    .map(({ name }) => `${name}: no NetworkPolicy picks its pods`)
  const open = policies.flatMap((policy) => {
    const faults = []
    if (policy.spec?.policyTypes?.join() !== 'Ingress,Egress') faults.push('denies not both directions')
    const rules = [
      ...(policy.spec?.ingress ?? []).map(({ from, ports }) => ({ peers: from, ports })),
      ...(policy.spec?.egress ?? []).map(({ to, ports }) => ({ peers: to, ports })),
    ]
    if (rules.some(({ peers, ports }) => !peers?.length || !ports?.length))
      faults.push('a rule without peers or ports')
    if (rules.some(({ peers }) => peers?.some(isOpen))) faults.push('a peer that is everything')
    return faults.map((fault) => `${nameOf(policy as Kubernetes)}: ${fault}`)
  })
  return [...unprotected, ...open]
}

function isOpen({ ipBlock, podSelector, namespaceSelector }: Peer): boolean {
  const selector = podSelector ?? namespaceSelector
  const everyPod = !ipBlock && !selector?.matchLabels && !selector?.matchExpressions
  const everywhere =
    ipBlock?.cidr.endsWith('/0') && !privateNetworks.every((net) => ipBlock.except?.includes(net))
  return everyPod || everywhere === true
}

/** Outgoing: names, AWS APIs, the stores whose credentials it has, and FHIR endpoints for the EMR service only. */
export function egress({ objects, service }: Release): string[] {
  const keys = ofKind(objects, 'ExternalSecret').flatMap(({ spec }) =>
    (spec?.data ?? []).map((each) => each.secretKey),
  )
  const blocks = policiesOf(objects).flatMap(({ spec }) => (spec?.egress ?? []).flatMap(blocksOf))
  const wanted = [
    ...privateSubnets.map((cidr) => `${cidr} 443`),
    ...(keys.includes('DATABASE_HOST') ? databaseSubnets.map((cidr) => `${cidr} 5432`) : []),
    ...(keys.includes('REDIS_HOST') ? databaseSubnets.map((cidr) => `${cidr} 6379`) : []),
    ...(keys.includes('KAFKA_BOOTSTRAP_SERVERS') ? databaseSubnets.map((cidr) => `${cidr} 9098`) : []),
    ...(service === 'emr-service' ? ['0.0.0.0/0 443'] : []),
  ]
  return compare('egress', wanted, blocks)
}

/** Incoming from outside the cluster: the load balancer, to the gateway only. */
export function ingressBlocks({ objects, service }: Release): string[] {
  const blocks = policiesOf(objects).flatMap(({ spec }) =>
    (spec?.ingress ?? []).flatMap(({ from, ports }) => blocksOf({ to: from, ports })),
  )
  return compare(
    'ingress',
    service === 'api-gateway' ? publicSubnets.map((cidr) => `${cidr} 8080`) : [],
    blocks,
  )
}

/** Without names nothing is found. */
export function dns({ objects }: Release): string[] {
  return ofKind(objects, 'NetworkPolicy')
    .filter(({ spec }) => !spec?.egress?.some(isDns))
    .map(({ metadata }) => `NetworkPolicy/${metadata?.name}: pods cannot ask the cluster's DNS`)
}

function isDns({ to, ports }: EgressRule): boolean {
  const asked = ports?.map(({ protocol, port }) => `${protocol} ${port}`)
  return (
    to?.some(({ podSelector }) => podSelector?.matchLabels?.['k8s-app'] === 'kube-dns') === true &&
    asked?.includes('UDP 53') === true
  )
}

/** The policies of the service itself, not that of the pod of `helm test`. */
function policiesOf(objects: readonly Kubernetes[]): Kinds['NetworkPolicy'][] {
  const labels = ofKind(objects, 'Deployment')[0]?.spec?.template.metadata?.labels
  return ofKind(objects, 'NetworkPolicy').filter(({ spec }) => selects(spec?.podSelector.matchLabels, labels))
}

function blocksOf({ to, ports }: Pick<EgressRule, 'to' | 'ports'>): string[] {
  const cidrs = (to ?? []).flatMap(({ ipBlock }) => (ipBlock ? [ipBlock.cidr] : []))
  return cidrs.flatMap((cidr) => (ports ?? []).map(({ port }) => `${cidr} ${port}`))
}

function compare(direction: string, wanted: string[], got: string[]): string[] {
  return [
    ...wanted.filter((each) => !got.includes(each)).map((each) => `${direction} lacks ${each}`),
    ...got.filter((each) => !wanted.includes(each)).map((each) => `${direction} allows ${each}`),
  ]
}
