import type { Finding } from '../diagnosis/catalogue.ts'
import type { EventFacts, PodFacts } from './facts.ts'
import { latest } from './latest.ts'

/**
 * What kube-scheduler says of nodes that cannot take a pod, each class with its remedy. Where as many nodes are of one as
 * of another, the one comes first that is sooner mended.
 */
const CLASSES: [RegExp, string][] = [
  [/were unschedulable|node\.kubernetes\.io\/unschedulable/, 'nodes are cordoned: kubectl uncordon CORDONED'],
  [
    /taint \{node\.(cloudprovider\.)?kubernetes\.io\//,
    'nodes are not well, so Kubernetes keeps pods from them: kubectl describe nodes',
  ],
  [/no nodes available/, 'there is no node: look at the node group; kubectl get nodes'],
  [
    /persistentvolumeclaim "[^"]*" (not found|is being deleted)/,
    'make the volume claim that is named; those there are: kubectl get pvc',
  ],
  [/unbound immediate PersistentVolumeClaims/, 'the volume claim is not bound: kubectl describe pvc'],
  [/^Insufficient /, 'lower the requests, free capacity or let the node group grow'],
  [/Too many pods/, 'the nodes hold as many pods as they have addresses: add a node'],
  [/exceed max volume count/, 'the nodes hold as many volumes as they can: add a node'],
  [/missing required label/, 'label the nodes with the topologyKey of its spread constraints'],
  [/topology spread constraints/, 'a zone has no room: let the node group grow there'],
  [/anti-affinity/, 'there are fewer nodes than pods that keep apart: add a node'],
  [
    /pod affinity rules/,
    'no pod that it must be near to runs on a node with room: look at its podAffinity, and at those pods',
  ],
  [/free ports/, 'its hostPort is taken on the nodes: give it another one, or add a node'],
  [
    /(?<!volume )node affinity|node selector|requested node name/,
    'label nodes as the pod selects them, or change its nodeSelector',
  ],
  [
    /volume node affinity conflict|no available volume zone/,
    'its volume lies in another zone than the nodes with room: let the node group grow in that zone',
  ],
  [/taint/, 'tolerate the taint, or remove it from the nodes'],
]
/** As cluster-autoscaler and Karpenter say that they may add no node. */
const AT_MAXIMUM =
  /max.{0,80}(size|limit).{0,80} reached|(exceed limits|limits have been exhausted) for (nodepool|provisioner)/
const KARPENTER = /^Failed to schedule pod/
const CLASS = /^(?:(\d+) )?(.*)$/s

/** A pod that no node can take. @param events about it: the autoscaler says there whether it makes room */
export function schedulingFinding(pod: PodFacts, events: readonly EventFacts[]): Finding | undefined {
  if (pod.unscheduled?.reason !== 'Unschedulable') return undefined
  const object = { kind: 'Pod', name: pod.name, uid: pod.uid }
  const { reason, message: said } = pod.unscheduled
  const { message, advice } = read(said)
  const refused = nodeComing(events) ? undefined : latest(events, isRefusal)
  if (refused && AT_MAXIMUM.test(refused.message)) {
    return {
      code: 'NODE_GROUP_AT_MAXIMUM',
      object,
      reason,
      message: `${message} ${refused.message}`,
      field: 'event',
      at: refused.at,
      advice: KARPENTER.test(refused.message)
        ? 'raise the limits of its NodePool: kubectl edit nodepools; or lower the requests'
        : "raise the node group's maximum (max_size in eks_node_groups), then: emr deploy ENV; or lower the requests",
    }
  }
  return { code: 'UNSCHEDULABLE', object, reason, message, field: 'status.conditions[PodScheduled]', advice }
}

/** The word of cluster-autoscaler or Karpenter that a node comes for a pod, where they have not taken it back. */
export function nodeComing(events: readonly EventFacts[]): EventFacts | undefined {
  const coming = latest(events, ({ reason }) => /^(TriggeredScaleUp|Nominated)$/.test(reason))
  return coming && coming.at >= (latest(events, isRefusal)?.at ?? 0) ? coming : undefined
}

/** Of cluster-autoscaler, or of Karpenter, which gives the scheduler's reason with words of its own. */
function isRefusal({ reason, message }: EventFacts): boolean {
  return reason === 'NotTriggerScaleUp' || KARPENTER.test(message)
}

/** `0/4 nodes are available: 1 node(s) were unschedulable, 3 Insufficient cpu. preemption: …`, most nodes first. */
function read(message: string): { message: string; advice: string } {
  const [, head = '', total, body = '', rest = ''] =
    /^(0\/(\d+) nodes are available: )(.*?)(\.(?: .*)?)?$/s.exec(message) ?? []
  if (body === '') return { message, advice: typable(adviceFor(classOf(message))) }
  const classes = body.split(/, (?=\d+ )/).map((text) => {
    const [, count = total, words = ''] = CLASS.exec(text) ?? []
    return { text, count: Number(count), remedy: classOf(words) }
  })
  classes.sort((a, b) => b.count - a.count || a.remedy - b.remedy)
  const advice = new Map<string, number>()
  for (const { remedy, count } of classes)
    advice.set(adviceFor(remedy), advice.get(adviceFor(remedy)) ?? count)
  const [first, second] = [...advice].map(([text, count]) =>
    advice.size === 1 ? text : `${count} of ${total} nodes: ${text}`,
  )
  return {
    message: `${head}${classes.map(({ text }) => text).join(', ')}${rest}`,
    advice: typable([first, second].filter(Boolean).join('; ')),
  }
}

function classOf(words: string): number {
  const index = CLASSES.findIndex(([pattern]) => pattern.test(words))
  return index < 0 ? CLASSES.length : index
}

function adviceFor(index: number): string {
  return CLASSES[index]?.[1] ?? 'read the message of the scheduler'
}

function typable(advice: string): string {
  return advice.includes('kubectl') ? advice : `${advice}; what the nodes have: kubectl describe nodes`
}
