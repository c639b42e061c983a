import { expect, test } from 'vitest'
import { nodeComing, schedulingFinding } from '../../../../src/lib/domain/rollout/scheduling.ts'
import { event, pod } from './facts.ts'

const found = (message: string) =>
  schedulingFinding(pod('a', { unscheduled: { reason: 'Unschedulable', message } }), [])
const nodes = (total: number, classes: string) =>
  found(
    `0/${total} nodes are available: ${classes}. preemption: 0/${total} nodes are available: ${total} Preemption is not helpful for scheduling.`,
  )

test('most nodes decide, and the message has them first', () => {
  const mixed = nodes(4, '1 node(s) had untolerated taint {dedicated: reports}, 3 Insufficient cpu')
  expect(mixed?.message).toBe(
    '0/4 nodes are available: 3 Insufficient cpu, 1 node(s) had untolerated taint {dedicated: reports}. preemption: 0/4 nodes are available: 4 Preemption is not helpful for scheduling.',
  )
  expect(mixed?.advice).toBe(
    '3 of 4 nodes: lower the requests, free capacity or let the node group grow; 1 of 4 nodes: tolerate the taint, or remove it from the nodes; what the nodes have: kubectl describe nodes',
  )
  expect(nodes(12, '2 Insufficient memory, 10 node(s) had untolerated taint {a: b}')?.advice).toMatch(
    /^10 of 12 nodes: tolerate the taint.*; 2 of 12 nodes: lower the requests/,
  )
})

test.each([
  ['2 Insufficient cpu, 2 node(s) were unschedulable', /^2 of 4 nodes: nodes are cordoned/],
  [
    '2 Insufficient cpu, 2 node(s) had untolerated taint {dedicated: reports}',
    /^2 of 4 nodes: lower the requests/,
  ],
  [
    "2 Too many pods, 2 node(s) didn't match Pod's node affinity/selector",
    /^2 of 4 nodes: the nodes hold as many pods/,
  ],
  [
    "2 node(s) had untolerated taint {node.kubernetes.io/not-ready: }, 2 node(s) didn't match pod anti-affinity rules",
    /^2 of 4 nodes: nodes are not well/,
  ],
])('of as many nodes each, what is sooner mended comes first: %s', (classes, advice) => {
  expect(nodes(4, classes)?.advice).toMatch(advice)
})

test.each([
  ["2 node(s) didn't match pod affinity rules", /podAffinity/],
  ["2 node(s) didn't satisfy existing pods anti-affinity rules", /keep apart/],
  ["2 node(s) didn't match pod topology spread constraints (missing required label)", /topologyKey/],
  ["2 node(s) didn't have free ports for the requested pod ports", /hostPort/],
  ['2 node(s) exceed max volume count', /as many volumes/],
  ['2 node(s) had no available volume zone', /another zone/],
  ['2 node(s) had volume node affinity conflict', /another zone/],
  ["2 node(s) didn't match scheduler-enforced node affinity", /label nodes/],
  ['2 Insufficient ephemeral-storage', /lower the requests/],
  // As schedulers before 1.24 and since 1.34 have it.
  ["2 node(s) had taint {dedicated: reports}, that the pod didn't tolerate", /^tolerate the taint, or/],
  ['2 node(s) had untolerated taint(s)', /^tolerate the taint/],
  ['2 node(s) had something new', /read the message/],
])('%s', (classes, advice) => {
  expect(nodes(2, classes)?.advice).toMatch(advice)
  expect(nodes(2, classes)?.advice).not.toContain('of 2 nodes')
})

test('what is said of no node in particular holds for all', () => {
  const unbound = nodes(3, 'pod has unbound immediate PersistentVolumeClaims')
  expect(unbound?.advice).toBe('the volume claim is not bound: kubectl describe pvc')
  expect(nodes(3, 'persistentvolumeclaim "data" not found')?.advice).toContain('make the volume claim')
  expect(found('no nodes available to schedule pods')).toMatchObject({
    message: 'no nodes available to schedule pods',
    advice: 'there is no node: look at the node group; kubectl get nodes',
  })
})

test('a node comes until the autoscaler takes that back', () => {
  const told = (reason: string, at: number) => event('a', { reason, at, type: 'Normal' })
  expect(nodeComing([told('TriggeredScaleUp', 1)])).toBeDefined()
  expect(nodeComing([told('NotTriggerScaleUp', 1), told('Nominated', 2)])).toBeDefined()
  expect(nodeComing([told('TriggeredScaleUp', 1), told('NotTriggerScaleUp', 2)])).toBeUndefined()
  const failed = (message: string) => event('a', { reason: 'FailedScheduling', message, at: 2 })
  expect(nodeComing([told('Nominated', 1), failed('Failed to schedule pod, incompatible')])).toBeUndefined()
  expect(nodeComing([told('Nominated', 1), failed('0/3 nodes are available')])).toBeDefined()
})
