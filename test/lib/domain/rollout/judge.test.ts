import { describe, expect, test } from 'vitest'
import type { ContainerFacts, Terminated } from '../../../../src/lib/domain/rollout/facts.ts'
import { type RolloutFacts, RolloutJudge } from '../../../../src/lib/domain/rollout/judge.ts'
import { container, event, healthy, pod, rollout, thresholds } from './facts.ts'

/** Judges the same picture at each of these times (ms) and gives the state and code of the last. */
function verdictAt(facts: RolloutFacts, ...times: number[]) {
  const judge = new RolloutJudge(thresholds)
  const verdicts = times.map((now) => judge.judge(facts, now))
  const last = verdicts.at(-1)
  return last?.state === 'failed' ? last.finding.code : last?.state
}

const waiting = (reason: string, message = '') => container({ waiting: { reason, message } })
const ended = (exitCode: number, reason = 'Error'): Terminated => ({
  reason,
  exitCode,
  message: '',
  startedAt: 0,
  finishedAt: 0,
})
const crashing = (facts: Partial<ContainerFacts> = {}) =>
  container({ waiting: { reason: 'CrashLoopBackOff', message: '' }, restarts: 2, last: ended(1), ...facts })
const withContainer = (...containers: ContainerFacts[]) =>
  rollout(containers.map((c, i) => pod(`p${i}`, { containers: [c] })))

describe('complete', () => {
  test('when all replicas are updated and available, and no old one is left', () => {
    expect(verdictAt(rollout([healthy('a'), healthy('b')]), 0)).toBe('complete')
  })
  test.each([
    ['the controller has not seen the change', { observedGeneration: 1 }],
    ['an old pod is left', { total: 3 }],
    ['not all are updated', { updated: 1, available: 1, total: 1 }],
  ])('not while %s', (_why, deployment) => {
    expect(verdictAt(rollout([healthy('a'), healthy('b')], {}, deployment), 0)).toBe('progressing')
  })
})

describe('paused', () => {
  const stopped = { paused: true, updated: 0, total: 2, available: 2 }
  test('fails at once where it keeps the pods from being replaced, with what resumes it', () => {
    const verdict = new RolloutJudge(thresholds).judge(rollout([], { old: 2 }, stopped), 0)
    expect(verdict).toMatchObject({
      state: 'failed',
      finding: { code: 'ROLLOUT_PAUSED', advice: expect.stringContaining('rollout resume deployment/NAME') },
    })
  })
  test('is complete where its pods are those of its template', () => {
    expect(verdictAt(rollout([healthy('a'), healthy('b')], {}, { paused: true }), 0)).toBe('complete')
  })
  test('waits for the readiness of pods that it has all', () => {
    expect(verdictAt(rollout([healthy('a'), pod('b')], {}, { paused: true }), 0)).toBe('progressing')
  })
})

describe('what is older than the change', () => {
  /** A change that began at 100 s; a judge that sees it from then on. */
  const changedAt = 100_000
  const after = (facts: RolloutFacts, ...seconds: number[]) => {
    const judge = new RolloutJudge(thresholds, { changedAt })
    const verdicts = seconds.map((second) => judge.judge(facts, changedAt + second * 1000))
    const last = verdicts.at(-1)
    return last?.state === 'failed' ? last.finding.code : last?.state
  }
  const over = {
    deadlineExceeded: 'ReplicaSet "task-service-abc" has timed out progressing.',
    updated: 0,
    total: 0,
  }
  const refusedAt = (since: number) => ({
    uid: 'rs',
    name: 'task-service-abc',
    owner: 'deployment',
    revision: '2',
    createdAt: 0,
    failure: { reason: 'FailedCreate', message: 'exceeded quota: small,', since },
  })

  test('a refusal and a deadline are no verdict, though both stand', () => {
    const facts = rollout([], { replicaSet: refusedAt(90_000) }, { ...over, deadlineExceededAt: 90_000 })
    expect(after(facts, 0, 29)).toBe('progressing')
    expect(after(facts, 0, 30)).toBe('POD_REFUSED')
  })
  test('a refusal of now is one, also where its condition is as old as before', () => {
    const again = event('rs', { reason: 'FailedCreate', message: 'exceeded quota: small,', at: 101_000 })
    const facts = rollout(
      [],
      { replicaSet: refusedAt(90_000), events: [again] },
      { ...over, deadlineExceededAt: 100_000 },
    )
    expect(after(facts, 1)).toBe('POD_REFUSED')
  })
  test('a deadline that Kubernetes does not measure again is measured here', () => {
    const facts = rollout([pod('a')], {}, { ...over, deadlineExceededAt: 90_000, progressDeadline: 240 })
    expect(after(facts, 0, 239)).toBe('progressing')
    expect(after(facts, 0, 240)).toBe('NOT_READY')
  })
  test('the last crash of a pod that there was before gets its next start; a crash since then is a verdict', () => {
    const crashedAt = (finishedAt: number) =>
      rollout([pod('a', { createdAt: 0, containers: [crashing({ last: { ...ended(1), finishedAt } })] })])
    expect(after(crashedAt(60_000), 0, 300)).toBe('progressing')
    expect(after(crashedAt(60_000), 0, 310)).toBe('CRASH_LOOP')
    expect(after(crashedAt(101_000), 2)).toBe('CRASH_LOOP')
  })
  test('a node whose clock is late makes nothing of a new pod old', () => {
    const last = { ...ended(1), finishedAt: 99_000 }
    expect(after(rollout([pod('a', { createdAt: 100_000, containers: [crashing({ last })] })]), 2)).toBe(
      'CRASH_LOOP',
    )
  })
})

test('a deadline that passed while no pod is left to show why is a verdict', () => {
  expect(verdictAt(rollout([], {}, { deadlineExceeded: 'timed out', updated: 0, total: 0 }), 0)).toBe(
    'ROLLOUT_STALLED',
  )
})

test('complete only with the pods that the autoscaler keeps at least', () => {
  const judge = new RolloutJudge(thresholds, { minimum: 3 })
  const one = rollout([healthy('a')], {}, { desired: 1 })
  expect(judge.judge(one, 0)).toMatchObject({ state: 'progressing', concerns: [{ reason: 'BelowMinimum' }] })
  const three = rollout([healthy('a'), healthy('b'), healthy('c')], {}, { desired: 3 })
  expect(judge.judge(three, 1000).state).toBe('complete')
})

test('the replicas change in the middle: the pods that are wanted now count', () => {
  const judge = new RolloutJudge(thresholds)
  expect(judge.judge(rollout([healthy('a'), healthy('b')], {}, { desired: 5, generation: 3 }), 0).state).toBe(
    'progressing',
  )
  expect(judge.judge(rollout([healthy('a'), healthy('b')], {}, { desired: 5 }), 1).state).toBe('progressing')
  expect(judge.judge(rollout([healthy('a'), healthy('b')], {}, { desired: 2 }), 2).state).toBe('complete')
})

test('a native sidecar that fails is named, whether it crashes or never starts', () => {
  const app = container({ name: 'task-service', waiting: { reason: 'PodInitializing', message: '' } })
  const crashed = crashing({ name: 'mesh', init: true, sidecar: true, ready: false })
  const verdict = (facts: RolloutFacts) => new RolloutJudge(thresholds).judge(facts, 0)
  const looping = rollout([pod('a', { containers: [crashed, app] })])
  expect(verdict(looping)).toMatchObject({ finding: { code: 'CRASH_LOOP', container: 'mesh' } })
  const silent = container({ name: 'mesh', init: true, sidecar: true, running: true })
  const stuck = rollout([pod('a', { containers: [silent, app] })], {}, { deadlineExceeded: 'timed out' })
  expect(verdict(stuck)).toMatchObject({ finding: { code: 'NOT_READY', container: 'mesh' } })
})

describe('images', () => {
  test.each([
    ['ErrImagePull', 'rpc error: code = NotFound desc = failed to pull and unpack image "a:b": not found'],
    ['ErrImagePull', 'manifest unknown: Requested image not found'],
    ['ErrImagePull', 'no match for platform in manifest'],
  ])('a missing image fails at once (%s: %s)', (reason, message) => {
    expect(verdictAt(withContainer(waiting(reason, message)), 0)).toBe('IMAGE_NOT_FOUND')
  })
  test.each(['InvalidImageName', 'ErrImageNeverPull'])('%s fails at once', (reason) => {
    expect(verdictAt(withContainer(waiting(reason)), 0)).toBe('IMAGE_NAME_INVALID')
  })
  test('while it backs off, the registry’s words come from the last event', () => {
    const facts = withContainer(waiting('ImagePullBackOff', 'Back-off pulling image "a:b"'))
    facts.events = [
      event('uid-p0', {
        reason: 'Failed',
        message: 'Failed to pull image "a:b": 429 Too Many Requests',
        at: 1,
      }),
      event('uid-p0', { reason: 'Failed', message: 'Failed to pull image "a:b": not found', at: 2 }),
      event('uid-p0', { reason: 'Failed', message: 'Error: ImagePullBackOff', at: 3 }),
    ]
    expect(verdictAt(facts, 0)).toBe('IMAGE_NOT_FOUND')
  })
  test.each([
    '429 Too Many Requests',
    'toomanyrequests: rate exceeded',
    'dial tcp: i/o timeout',
    'no basic auth credentials',
  ])('other pull errors get their time (%s)', (message) => {
    const facts = withContainer(waiting('ErrImagePull', message))
    expect(verdictAt(facts, 0, 179_999)).toBe('progressing')
    expect(verdictAt(facts, 0, 180_000)).toBe('IMAGE_PULL_FAILING')
  })
  test('an alternation of ErrImagePull and ImagePullBackOff is one trouble with one start', () => {
    const judge = new RolloutJudge(thresholds)
    judge.judge(withContainer(waiting('ErrImagePull', 'i/o timeout')), 0)
    judge.judge(withContainer(waiting('ImagePullBackOff', 'Back-off pulling image')), 90_000)
    expect(judge.judge(withContainer(waiting('ErrImagePull', 'i/o timeout')), 180_000).state).toBe('failed')
  })
  test('a trouble that went away starts anew', () => {
    const judge = new RolloutJudge(thresholds)
    judge.judge(withContainer(waiting('ErrImagePull', 'i/o timeout')), 0)
    judge.judge(withContainer(container({ running: true })), 100_000)
    expect(judge.judge(withContainer(waiting('ErrImagePull', 'i/o timeout')), 200_000).state).toBe(
      'progressing',
    )
  })
  test('what was seen before the API server was lost does not count', () => {
    const judge = new RolloutJudge(thresholds)
    const facts = withContainer(waiting('ErrImagePull', 'i/o timeout'))
    judge.judge(facts, 0)
    judge.forget()
    expect(judge.judge(facts, 200_000).state).toBe('progressing')
  })
})

describe('containers', () => {
  test('a missing Secret gets 30 s', () => {
    const facts = withContainer(waiting('CreateContainerConfigError', 'secret "db" not found'))
    expect(verdictAt(facts, 0, 29_999)).toBe('progressing')
    expect(verdictAt(facts, 0, 30_000)).toBe('CONTAINER_CONFIG')
  })
  test('a cache that is not in step yet is no missing Secret', () => {
    const message = 'failed to sync secret cache: timed out waiting for the condition'
    expect(verdictAt(withContainer(waiting('CreateContainerConfigError', message)), 0, 60_000)).toBe(
      'progressing',
    )
  })
  test('a volume whose Secret is missing counts like a missing Secret', () => {
    const facts = withContainer(waiting('ContainerCreating'))
    facts.events = [
      event('uid-p0', { reason: 'FailedMount', message: 'MountVolume.SetUp failed: secret "tls" not found' }),
    ]
    expect(verdictAt(facts, 0, 30_000)).toBe('CONTAINER_CONFIG')
  })
  test('all new pods in a crash loop fail at once', () => {
    expect(verdictAt(withContainer(crashing(), crashing()), 0)).toBe('CRASH_LOOP')
  })
  test('one crashing pod among healthy ones does not, until it has crashed more often than there are replicas', () => {
    const pods = [healthy('a'), pod('b', { containers: [crashing()] })]
    expect(verdictAt(rollout(pods, {}, { available: 1 }), 0)).toBe('progressing')
    const often = [healthy('a'), pod('b', { containers: [crashing({ restarts: 3 })] })]
    expect(verdictAt(rollout(often, {}, { available: 1 }), 0)).toBe('CRASH_LOOP')
  })
  test('a pod that still starts leaves the verdict open', () => {
    expect(verdictAt(withContainer(crashing(), container({ running: true })), 0)).toBe('progressing')
  })
  test('three restarts count even while the container runs again', () => {
    expect(verdictAt(withContainer(container({ running: true, restarts: 3, last: ended(1) })), 0)).toBe(
      'CRASH_LOOP',
    )
    expect(verdictAt(withContainer(container({ running: true, restarts: 2, last: ended(1) })), 0)).toBe(
      'progressing',
    )
  })
  test('out of memory is told from a crash', () => {
    expect(verdictAt(withContainer(crashing({ last: ended(137, 'OOMKilled') })), 0)).toBe('OUT_OF_MEMORY')
    expect(verdictAt(withContainer(crashing({ last: ended(137) })), 0)).toBe('CRASH_LOOP')
  })
  test('a clean end is a crash where a probe brought it about', () => {
    const facts = withContainer(container({ running: true, restarts: 3, last: ended(0, 'Completed') }))
    expect(verdictAt(facts, 0)).toBe('progressing')
    facts.events = [event('uid-p0', { reason: 'Unhealthy', message: 'Liveness probe failed: timeout' })]
    expect(verdictAt(facts, 0)).toBe('CRASH_LOOP')
  })
  test('an init container is named as such, and a sidecar is none', () => {
    expect(verdictAt(withContainer(crashing({ init: true })), 0)).toBe('INIT_FAILING')
    expect(verdictAt(withContainer(crashing({ init: true, sidecar: true })), 0)).toBe('CRASH_LOOP')
  })
  test('pods on their way out say nothing about the new version', () => {
    const facts = rollout([pod('old', { deleting: true, containers: [crashing()] }), healthy('new')])
    expect(verdictAt(facts, 0)).toBe('progressing')
  })
})

describe('scheduling and creation', () => {
  const unschedulable = () =>
    rollout([pod('a', { unscheduled: { reason: 'Unschedulable', message: '0/3 nodes' }, containers: [] })])
  test('unschedulable pods get a minute', () => {
    expect(verdictAt(unschedulable(), 0, 59_999)).toBe('progressing')
    expect(verdictAt(unschedulable(), 0, 60_000)).toBe('UNSCHEDULABLE')
  })
  test('and longer while the node group grows, even beyond Kubernetes’ own deadline', () => {
    const facts = unschedulable()
    facts.events = [event('uid-a', { reason: 'TriggeredScaleUp', type: 'Normal' })]
    facts.deployment.deadlineExceeded = 'ReplicaSet "x" has timed out progressing.'
    expect(verdictAt(facts, 0, 599_999)).toBe('progressing')
    expect(verdictAt(facts, 0, 600_000)).toBe('UNSCHEDULABLE')
  })
  test('a node group at its maximum is named, and gets no more time than any other lack of room', () => {
    const message = "pod didn't trigger scale-up: 1 max node group size reached"
    const facts = unschedulable()
    const later = { ...facts, events: [event('uid-a', { reason: 'NotTriggerScaleUp', message, at: 1 })] }
    const judge = new RolloutJudge(thresholds)
    expect(judge.judge(facts, 0).state).toBe('progressing')
    expect(judge.judge(later, 30_000).state).toBe('progressing')
    expect(judge.judge(later, 60_000)).toMatchObject({
      finding: { code: 'NODE_GROUP_AT_MAXIMUM', advice: expect.stringContaining("node group's maximum") },
    })
  })
  test('a node that was to come, and comes no more, is not waited for', () => {
    const facts = unschedulable()
    const told = (reason: string, at: number) => event('uid-a', { reason, at, type: 'Normal' })
    facts.events = [told('TriggeredScaleUp', 1), told('NotTriggerScaleUp', 2)]
    expect(verdictAt(facts, 0, 60_000)).toBe('UNSCHEDULABLE')
  })
  test('the remedy is that of the class', () => {
    const message = '0/2 nodes are available: 2 node(s) had untolerated taint {dedicated: reports}.'
    const facts = rollout([pod('a', { unscheduled: { reason: 'Unschedulable', message } })])
    const judge = new RolloutJudge(thresholds)
    judge.judge(facts, 0)
    const advice = expect.stringContaining('tolerate the taint')
    expect(judge.judge(facts, 60_000)).toMatchObject({ finding: { advice } })
  })
  test('refused pods get 30 s', () => {
    const failure = { reason: 'FailedCreate', message: 'pods "x" is forbidden: exceeded quota: pods' }
    const facts = rollout([], {
      replicaSet: { uid: 'rs', name: 'rs', owner: 'deployment', revision: '2', failure },
    })
    expect(verdictAt(facts, 0, 29_999)).toBe('progressing')
    expect(verdictAt(facts, 0, 30_000)).toBe('POD_REFUSED')
  })
})

describe('volumes and network', () => {
  const stuck = (reason: string, message: string, deadlineExceeded?: string) => {
    const facts = rollout([pod('a', { containers: [container()] })], {}, { deadlineExceeded })
    facts.events = [event('uid-a', { reason, message })]
    return facts
  }
  test.each([
    ['VOLUME_FAILING', 'FailedAttachVolume', 'Multi-Attach error for volume "pvc-1"', /detach it/],
    ['SANDBOX_FAILING', 'FailedCreatePodSandBox', 'failed to assign an IP address to container', /subnet/],
  ])('%s until Kubernetes’ own deadline, then it is the cause', (code, reason, message, advice) => {
    expect(verdictAt(stuck(reason, message), 0, 3_600_000)).toBe('progressing')
    const concerns = [{ code, reason }]
    expect(new RolloutJudge(thresholds).judge(stuck(reason, message), 60_000)).toMatchObject({ concerns })
    const over = stuck(reason, message, 'ReplicaSet "rs" has timed out progressing.')
    over.replicaSet = { uid: 'rs', name: 'rs', owner: 'deployment', revision: '2' }
    expect(new RolloutJudge(thresholds).judge(over, 600_000)).toMatchObject({
      finding: { code, advice: expect.stringMatching(advice) },
    })
  })
  test('what came after them says that they are there', () => {
    const facts = stuck('FailedCreatePodSandBox', 'plugin is not ready', 'timed out progressing')
    facts.events.push(event('uid-a', { reason: 'Pulling', type: 'Normal', at: 1 }))
    expect(verdictAt(facts, 600_000)).toBe('NOT_READY')
  })
})

describe('readiness', () => {
  const facts = (deadlineExceeded?: string) =>
    rollout([pod('a', { containers: [container({ running: true })] })], {}, { deadlineExceeded })
  test('not ready is no verdict before Kubernetes’ own deadline', () => {
    expect(verdictAt(facts(), 0, 3_600_000)).toBe('progressing')
    expect(verdictAt(facts('timed out progressing'), 0)).toBe('NOT_READY')
  })
  test('nothing that belongs to the state before the change counts', () => {
    const before = facts('timed out progressing')
    before.deployment.observedGeneration = 1
    expect(verdictAt(before, 0)).toBe('progressing')
  })
})

test('the deadline of the roll-out before, which names its ReplicaSet, does not count', () => {
  const unready = [pod('a', { containers: [container({ running: true })] })]
  const own = rollout(unready, {}, { deadlineExceeded: 'ReplicaSet "rs" has timed out progressing.' })
  const name = own.replicaSet?.name ?? ''
  const said = (of: string) => ({
    ...own,
    deployment: { ...own.deployment, deadlineExceeded: `ReplicaSet "${of}" has timed out progressing.` },
  })
  expect(verdictAt(said('another-59d99d65d9'), 0, 1_000)).toBe('progressing')
  expect(verdictAt(said(name), 0)).toBe('NOT_READY')
})

test('no pods at all are no health', () => {
  expect(verdictAt(rollout([], {}, { desired: 0, updated: 0, total: 0, available: 0 }), 0)).toBe(
    'SCALED_TO_ZERO',
  )
})

test('an autoscaler that changes the size does not start the waiting anew', () => {
  const judge = new RolloutJudge(thresholds)
  const facts = rollout([
    pod('a', { unscheduled: { reason: 'Unschedulable', message: '0/3 nodes are available' } }),
  ])
  expect(judge.judge(facts, 0).state).toBe('progressing')
  const resized = { ...facts, deployment: { ...facts.deployment, generation: 3 } }
  expect(judge.judge(resized, 30_000)).toEqual({ state: 'progressing', concerns: [] })
  expect(judge.judge(facts, thresholds.unschedulable).state).toBe('failed')
})

test('a hook counts as failed with its Job, or after three failed pods', () => {
  const judge = new RolloutJudge(thresholds)
  const job = { uid: 'j', name: 'migrate', succeeded: false, failedPods: 2 }
  expect(judge.judgeHook(job)).toBeUndefined()
  expect(judge.judgeHook({ ...job, failedPods: 3 })?.code).toBe('HOOK_FAILED')
  const failure = { reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' }
  expect(judge.judgeHook({ ...job, failure })?.reason).toBe('BackoffLimitExceeded')
})
