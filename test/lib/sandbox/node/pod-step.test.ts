import type { Container, Pod } from 'kubernetes-types/core/v1.js'
import { describe, expect, it } from 'vitest'
import type { ContainerMemory } from '../../../../src/lib/sandbox/node/container.ts'
import { faultOf } from '../../../../src/lib/sandbox/node/faults.ts'
import { containerLog } from '../../../../src/lib/sandbox/node/logs.ts'
import { PodStep } from '../../../../src/lib/sandbox/node/pod-step.ts'
import { sandboxSettingsSchema } from '../../../../src/lib/sandbox/settings.ts'

const settings = sandboxSettingsSchema.parse({})
const START = Date.parse('2026-01-01T00:00:00Z')

function pod(spec: Partial<Pod['spec'] & object> = {}, container: Partial<Container> = {}): Pod {
  return {
    metadata: { name: 'web-1', namespace: 'ns', uid: 'uid' },
    spec: {
      restartPolicy: 'Always',
      containers: [{ name: 'app', image: 'r.example.com/web:v1', ...container }],
      ...spec,
    },
  }
}

/** A node with a clock of its own, on which a pod's seconds can be told off one by one. */
class Timeline {
  pod: Pod
  readonly reasons: string[] = []
  readonly #memory = new Map<string, ContainerMemory>()
  readonly #images = new Set<string>()
  #now = START

  constructor(start: Pod) {
    this.pod = start
  }

  /** Looks at the pod at each moment that it asks for, for so many seconds. */
  run(seconds: number): Pod['status'] {
    const end = this.#now + seconds * 1000
    for (;;) {
      const { status, events, wakeAt } = new PodStep(this.pod, {
        settings,
        now: this.#now,
        hostAddress: '10.0.0.1',
        podAddress: () => '10.0.0.2',
        hasImage: (image) => this.#images.has(image),
        addImage: (image) => this.#images.add(image),
        holds: () => true,
        memory: this.#memory,
      }).advance()
      this.pod = { ...this.pod, status }
      this.reasons.push(...events.map(({ reason }) => reason))
      if (wakeAt === undefined || wakeAt > end) break
      this.#now = wakeAt
    }
    this.#now = end
    return this.pod.status
  }

  restart(): void {
    this.#memory.clear()
  }
}

const probe = { readinessProbe: { httpGet: { port: 80 }, periodSeconds: 5 } }

describe('a pod on its node', () => {
  it('is pulled, created, started and ready in turn', () => {
    const timeline = new Timeline(pod({}, probe))
    expect(timeline.run(0)?.containerStatuses?.[0]?.state).toEqual({
      waiting: { reason: 'ContainerCreating' },
    })
    expect(timeline.run(2)?.phase).toBe('Running')
    expect(timeline.pod.status?.containerStatuses?.[0]?.ready).toBe(false)
    expect(timeline.run(2)?.containerStatuses?.[0]?.ready).toBe(true)
    expect(timeline.reasons).toEqual(['Pulling', 'Pulled', 'Created', 'Started'])
    expect(timeline.pod.status?.conditions?.map(({ type, status }) => `${type}=${status}`)).toEqual([
      'PodReadyToStartContainers=True',
      'Initialized=True',
      'Ready=True',
      'ContainersReady=True',
      'PodScheduled=True',
    ])
  })

  it('backs off longer after each crash: at once, 10 s, 20 s, 40 s', () => {
    const timeline = new Timeline(pod({}, { image: 'r.example.com/web:v1-crashloop' }))
    const restarts = [8, 12, 24, 46].map(
      (seconds) => timeline.run(seconds)?.containerStatuses?.[0]?.restartCount,
    )
    expect(restarts).toEqual([1, 2, 3, 4])
    expect(timeline.pod.status?.containerStatuses?.[0]?.state?.waiting?.message).toContain(
      'back-off 1m20s restarting',
    )
  })

  it('goes on after the sandbox was restarted in the middle', () => {
    const timeline = new Timeline(pod({}, { image: 'r.example.com/web:v1-crashloop' }))
    timeline.run(8)
    timeline.restart()
    expect(timeline.run(12)?.containerStatuses?.[0]?.restartCount).toBe(2)
    expect(timeline.reasons.filter((reason) => reason === 'Started')).toHaveLength(3)
  })

  it('succeeds or fails where it is not restarted', () => {
    const never = { restartPolicy: 'Never' }
    expect(new Timeline(pod(never)).run(10)?.phase).toBe('Succeeded')
    expect(new Timeline(pod(never, { image: 'x:v1-fail' })).run(10)?.phase).toBe('Failed')
    expect(new Timeline(pod({ restartPolicy: 'OnFailure' })).run(10)?.phase).toBe('Succeeded')
  })

  it('runs init containers one after the other', () => {
    const init = [
      { name: 'one', image: 'x:v1' },
      { name: 'two', image: 'y:v1' },
    ]
    const timeline = new Timeline(pod({ initContainers: init }))
    const status = timeline.run(2)
    expect(status?.initContainerStatuses?.[1]?.state?.waiting?.reason).toBe('PodInitializing')
    expect(status?.conditions?.[1]).toMatchObject({
      reason: 'ContainersNotInitialized',
      message: 'containers with incomplete status: [one two]',
    })
    expect(timeline.run(10)?.phase).toBe('Running')
  })
})

describe('faults', () => {
  const container = (image: string): Container => ({ name: 'app', image })

  it.each([
    ['web:v2-crashloop', 'crashloop'],
    ['web:crashloop', 'crashloop'],
    ['r:5000/web:v2-oom@sha256:00', 'oom'],
    ['web:v2-crashloops', undefined],
    ['web-oom:v2', undefined],
    ['web', undefined],
  ])('of %s: %s', (image, fault) => {
    expect(faultOf(pod({}, { image }), container(image))).toBe(fault)
  })
})

describe('logs', () => {
  it('are the same at each reading, and in order', () => {
    const timeline = new Timeline(pod({}, { image: 'r.example.com/web:v1-crashloop' }))
    timeline.run(30)
    const read = () => containerLog(timeline.pod, 'app', { previous: true, now: START + 60_000 })
    expect(read()).toEqual(read())
    const times = read().map(({ time }) => time)
    expect(times).toEqual([...times].sort((a, b) => a - b))
    expect(JSON.parse(read().at(-1)?.text ?? '')).toMatchObject({
      level: 'fatal',
      msg: 'uncaught error, exiting with code 1',
    })
  })
})
