import { type Labels, ofKind, selects, workloads } from '../objects.ts'
import type { Release } from '../render.ts'
import type { Kinds } from '../schema/kinds.ts'

type Spec = NonNullable<Kinds['NetworkPolicy']['spec']>
type EgressRule = NonNullable<Spec['egress']>[number]
type Peer = NonNullable<EgressRule['to']>[number]

/**
 * Calls between services, which need a rule at either end: who may call whom, as `caller -> callee`.
 * Takes all releases of one environment.
 */
export function calls(releases: readonly Release[]): string[] {
  const pods = releases.flatMap(({ objects }) => workloads(objects))
  return pods.flatMap((caller) =>
    pods
      .filter((callee) => caller !== callee && allowed(releases, caller.labels, callee.labels))
      .map((callee) => `${shortName(caller.name)} -> ${shortName(callee.name)}`),
  )
}

function allowed(releases: readonly Release[], caller: Labels, callee: Labels): boolean {
  const policies = releases.flatMap(({ objects }) => ofKind(objects, 'NetworkPolicy'))
  const picking = (labels: Labels) =>
    policies.filter(({ spec }) => selects(spec?.podSelector.matchLabels, labels))
  const out = picking(caller).some(({ spec }) =>
    spec?.egress?.some(({ to, ports }) => reaches(callee, to, ports)),
  )
  const into = picking(callee).some(({ spec }) =>
    spec?.ingress?.some(({ from, ports }) => reaches(caller, from, ports)),
  )
  return out && into
}

function reaches(labels: Labels, peers: Peer[] = [], ports: EgressRule['ports'] = []): boolean {
  const picked = peers.some(
    (peer) => !peer.namespaceSelector && selects(peer.podSelector?.matchLabels, labels),
  )
  return picked && ports.some(({ port }) => port === 8080)
}

function shortName(workload: string): string {
  return workload.split('/')[1] ?? workload
}
