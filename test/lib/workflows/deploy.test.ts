import { Listr } from 'listr2'
import { describe, expect, test } from 'vitest'
import { versionChange } from '../../../src/lib/domain/image.ts'
import { type EmrError, InterruptedError } from '../../../src/lib/errors.ts'
import { deployTasks, namespaceTask } from '../../../src/lib/workflows/deploy/deploy.ts'
import { deployOutcome } from '../../../src/lib/workflows/deploy/outcome.ts'
import { prepareDeploy } from '../../../src/lib/workflows/deploy/prepare.ts'
import { unfinishedDeploy } from '../../../src/lib/workflows/deploy/resume.ts'
import { scaleTakenBack } from '../../../src/lib/workflows/deploy/scale-taken-back.ts'
import type {
  DeployPorts,
  DeployRequest,
  ServicePlan,
  ServiceResult,
} from '../../../src/lib/workflows/deploy/types.ts'
import { FakeCluster, SERVICES } from '../../support/fake-cluster.ts'
import { releaseSet } from '../../support/release-set.ts'

const request = (rest: Partial<DeployRequest> = {}): DeployRequest => ({
  services: [],
  tags: {},
  concurrency: 4,
  timeoutMs: 60_000,
  ...rest,
})

const prepare = (ports: DeployPorts, wanted: DeployRequest) => prepareDeploy(ports, wanted, [])

async function deploy(ports: DeployPorts, wanted: DeployRequest) {
  const plan = await prepare(ports, wanted)
  const deployment = deployTasks(ports, wanted, plan)
  const tasks = [namespaceTask(ports, plan), ...deployment.tasks]
  await new Listr(tasks, { renderer: 'silent', registerSignalListeners: false }).run()
  return { plan, results: deployment.results() }
}

const outcomes = (results: ServiceResult[]) =>
  Object.fromEntries(results.map(({ service, outcome }) => [service, outcome]))
const all = (outcome: string) => Object.fromEntries(SERVICES.map((name) => [name, outcome]))

test('a first deploy makes the namespace, then the four services, then the gateway', async () => {
  const cluster = new FakeCluster()
  const { results } = await deploy(cluster.ports(), request({ tags: { '*': 'v1' } }))
  expect(outcomes(results)).toEqual(all('deployed'))
  expect(cluster.log[0]).toBe('create namespace')
  expect(cluster.log.slice(1, 5).sort()).toEqual(
    SERVICES.slice(0, 4)
      .map((name) => `upgrade ${name}`)
      .sort(),
  )
  expect(cluster.log[5]).toBe('upgrade api-gateway')
})

test('a second deploy touches nothing, and keeps the tag that was deployed', async () => {
  const cluster = new FakeCluster()
  await deploy(cluster.ports(), request({ tags: { '*': 'v1' } }))
  cluster.log.length = 0
  const { plan, results } = await deploy(cluster.ports(), request())
  expect(outcomes(results)).toEqual(all('unchanged'))
  expect(plan.services.map(({ keptTag }) => keptTag)).toEqual(SERVICES.map(() => 'v1'))
  expect(cluster.log).toEqual([])
})

describe('a service whose release is lost', () => {
  const planned = async (image: string, tags: Record<string, string> = {}) => {
    const cluster = new FakeCluster()
    cluster.orphans.set('sync-service', image)
    const { services } = await prepare(cluster.ports(), request({ services: ['sync-service'], tags }))
    const plan = services[0] as ServicePlan
    return { action: plan.action, kept: plan.keptTag, version: versionChange(plan.image) }
  }

  test('keeps the tag that its Deployment runs', async () => {
    expect(await planned('registry:5000/sync-service:1.5.0')).toEqual({
      action: 'install',
      kept: '1.5.0',
      version: '1.5.0',
    })
  })
  test('gets the tag that was asked for, and the plan says what ran', async () => {
    expect(await planned('sync-service:1.5.0', { '*': '1.6.0' })).toMatchObject({
      kept: undefined,
      version: '1.5.0 → 1.6.0',
    })
  })
  test('is not given a digest as a tag', async () => {
    const digest = `sha256:${'a'.repeat(64)}`
    expect(await planned(`sync-service@${digest}`)).toMatchObject({
      kept: undefined,
      version: `${digest} → 1.0.0`,
    })
  })
})

test('an unchanged service whose pods are not healthy is no success', async () => {
  const cluster = new FakeCluster()
  cluster.namespaceExists = true
  cluster.behave = () => 'crash'
  cluster.seed('task-service', 'v1')
  const { results } = await deploy(cluster.ports(), request({ services: ['task-service'] }))
  expect(results[0]).toMatchObject({ outcome: 'failed', failure: { finding: { code: 'CRASH_LOOP' } } })
})

test('one tag for one service leaves the others as they are', async () => {
  const cluster = new FakeCluster()
  await deploy(cluster.ports(), request({ tags: { '*': 'v1' } }))
  const { results } = await deploy(cluster.ports(), request({ tags: { 'sync-service': 'v2' } }))
  expect(outcomes(results)).toEqual({ ...all('unchanged'), 'sync-service': 'deployed' })
})

describe('when a service fails', () => {
  test('the others of its wave are followed to their end, and nothing new is started', async () => {
    const cluster = new FakeCluster()
    cluster.behave = (service) => (service === 'emr-service' ? 'crash' : 'ready')
    const { results } = await deploy(cluster.ports(), request())
    expect(outcomes(results)).toEqual({
      ...all('deployed'),
      'emr-service': 'failed',
      'api-gateway': 'skipped',
    })
    expect(results[1]?.failure).toMatchObject({
      service: 'emr-service',
      image: 'app:v2',
      finding: {
        code: 'CRASH_LOOP',
        exitCode: 1,
        restarts: 3,
        node: 'node-1',
        advice: expect.stringContaining('(the log above)'),
      },
      logs: [{ lines: ['{"level":"fatal","msg":"no database"}'] }],
    })
    expect(cluster.evidence).toContain('emr-service.json')
  })
  test('a wave of which nothing starts is skipped, and names its services in place of its title', async () => {
    const cluster = new FakeCluster()
    cluster.behave = (service) => (service === 'emr-service' ? 'crash' : 'ready')
    const plan = await prepare(cluster.ports(), request())
    const { tasks } = deployTasks(cluster.ports(), request(), plan)
    const list = new Listr(tasks, { renderer: 'silent', registerSignalListeners: false })
    await list.run()
    expect(list.tasks.map((task) => task.isSkipped())).toEqual([false, true])
    expect(list.tasks[1]?.message.skip).toBe('Wave 2 of 2: api-gateway skipped: emr-service failed')
  })
  test('those of its wave that still wait for their turn are skipped', async () => {
    const cluster = new FakeCluster()
    cluster.behave = (service) => (service === 'task-service' ? 'crash' : 'ready')
    const { results } = await deploy(cluster.ports(), request({ concurrency: 1 }))
    expect(outcomes(results)).toEqual({ ...all('skipped'), 'task-service': 'failed' })
  })
  test('the error names it, the state of all, and where the evidence is; exit 7', async () => {
    const cluster = new FakeCluster()
    cluster.behave = (service) => (service === 'emr-service' ? 'crash' : 'ready')
    const ports = cluster.ports()
    const { plan, results } = await deploy(ports, request())
    const run = { durationMs: 10, evidence: '/evidence', timedOut: false }
    expect(() => deployOutcome(ports, plan, results, run)).toThrow(
      expect.objectContaining({
        code: 'ROLLOUT_FAILED',
        exitCode: 7,
        message: expect.stringMatching(/^emr-service: the new pods crash[\s\S]*skipped: api-gateway$/),
      }),
    )
  })
})

describe('evidence that cannot be written', () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device'), {
    code: 'ENOSPC',
    syscall: 'open',
    path: '/state/emr-service.json',
  })
  test('leaves the failure a failure, and is reported itself; nothing new is started', async () => {
    const cluster = new FakeCluster()
    cluster.behave = (service) => (service === 'emr-service' ? 'crash' : 'ready')
    const ports = { ...cluster.ports(), evidence: { folder: '/evidence', write: () => Promise.reject(full) } }
    const { plan, results } = await deploy(ports, request())
    expect(outcomes(results)).toEqual({
      ...all('deployed'),
      'emr-service': 'failed',
      'api-gateway': 'skipped',
    })
    const problem = 'evidence could not be written: /state/emr-service.json: no space left on the device'
    const run = { durationMs: 10, evidence: '/evidence', timedOut: false }
    expect(() => deployOutcome(ports, plan, results, run)).toThrow(
      expect.objectContaining({
        exitCode: 7,
        message: expect.stringMatching(/the new pods crash[\s\S]*evidence +could not be written: .*no space/),
        details: expect.objectContaining({ reportingProblems: [problem] }),
      }),
    )
  })
  test('a service whose change throws has failed, and one without a result has too', async () => {
    const cluster = new FakeCluster()
    const ports = cluster.ports()
    const plan = await prepare(ports, request({ concurrency: 1 }))
    const broken = { ...ports, workloads: { ...ports.workloads, watch: () => expect.fail('no watch') } }
    const deployment = deployTasks(broken, request({ concurrency: 1 }), plan)
    expect(deployment.results()).toMatchObject(
      SERVICES.map(() => ({ outcome: 'failed', error: 'it has no result' })),
    )
    await new Listr(deployment.tasks, { renderer: 'silent', registerSignalListeners: false }).run()
    expect(deployment.results()[0]).toMatchObject({ outcome: 'failed', error: 'no watch' })
    expect(() =>
      deployOutcome(ports, plan, deployment.results(), { durationMs: 1, evidence: '', timedOut: false }),
    ).toThrow(expect.objectContaining({ exitCode: 5 }))
  })
})

describe('what to do after a failure', () => {
  const advice = async (wanted: DeployRequest, cluster = new FakeCluster(), signal?: AbortSignal) => {
    cluster.behave = () => 'crash'
    const ports = cluster.ports()
    const { plan, results } = await deploy(ports, wanted)
    const run = { durationMs: 10, evidence: '/evidence', timedOut: false }
    try {
      deployOutcome({ ...ports, ...(signal && { signal }) }, plan, results, run)
    } catch (error) {
      return (error as EmrError).suggestions
    }
  }
  test.each([
    [{ '*': 'v2' }, 'mend it and deploy another tag: emr deploy test --services S --tag TAG'],
    [
      { 'emr-service': 'v2' },
      'mend it and deploy another tag: emr deploy test --services S --tag emr-service=TAG',
    ],
    [{}, 'mend it and run it again: emr deploy test --services S'],
  ])('for two of five services, with the tags %j', async (tags, suggestion) => {
    const wanted = request({ services: ['task-service', 'emr-service'], tags })
    expect((await advice(wanted))?.at(-1)).toBe(suggestion.replace('S', 'task-service,emr-service'))
  })
  test('of a set: the same set again, for a shell, and never a deploy that would take the files', async () => {
    const change = { 'config.log.level': 'debug', 'config.greeting': "it's here" }
    const wanted = request({ services: ['task-service'], change })
    const seeded = () => {
      const cluster = new FakeCluster()
      cluster.seed('task-service', 'v1')
      return cluster
    }
    const again = String.raw`emr set test task-service config.log.level=debug 'config.greeting=it'\''s here'`
    expect(await advice(wanted, seeded())).toEqual([
      'the evidence is in /evidence',
      `mend it and run it again: ${again}`,
    ])
    expect(await advice(wanted, seeded(), AbortSignal.abort())).toEqual([
      `take it up again: ${again}`,
      'or go back: emr rollback test all',
    ])
  })
})

describe('a scale that is taken back', () => {
  const hpa = (minReplicas: number) => ({
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'web' },
    ...{ spec: { minReplicas } },
  })
  const scale = (id: string, replicas: number, services = ['web']) =>
    releaseSet(id, { operation: 'scale', request: { services, replicas } })
  const warnings = (rest: Partial<Parameters<typeof scaleTakenBack>[0]> = {}) => {
    const fields = [{ path: 'spec.minReplicas', before: 3, after: 2 }]
    return scaleTakenBack({
      environment: 'test',
      service: 'web',
      released: [hpa(2)],
      changes: [{ action: 'update', object: 'HorizontalPodAutoscaler/web', fields }],
      change: undefined,
      sets: [scale('a', 3), scale('b', 5), scale('c', 3, ['other'])],
      ...rest,
    })
  }
  const message = 'This takes back emr scale test web 3 of 2026-01-01T00:00:00.000Z by me: minReplicas 3 → 2'
  const afterwards = 'bring it back afterwards: emr scale test web 3'

  test('by a deploy: said with who and when, and what keeps it', () => {
    const keep = 'keep it: autoscaling.minReplicas: 3 in the values files'
    expect(warnings()).toEqual([{ message, suggestions: [keep, afterwards] }])
  })
  test('by a set: the same set that keeps it', () => {
    const change = { 'config.motto': 'all well' }
    const keep = "keep it: emr set test web 'config.motto=all well' autoscaling.minReplicas=3"
    expect(warnings({ change })).toEqual([{ message, suggestions: [keep, afterwards] }])
  })
  test('also of a Deployment without an autoscaler, whose value in the charts is not known', () => {
    const fields = [{ path: 'spec.replicas', before: 3, after: 1 }]
    expect(warnings({ changes: [{ action: 'update', object: 'Deployment/web', fields }] })).toEqual([
      { message: message.replace('minReplicas 3 → 2', 'replicas 3 → 1'), suggestions: [afterwards] },
    ])
  })
  test.each([
    ['nobody has scaled', { sets: [] }],
    ['somebody has scaled to another number', { sets: [scale('a', 4)] }],
    ['the release has that number itself', { released: [hpa(3)] }],
    ['the set names the minimum', { change: { 'autoscaling.minReplicas': '4' } }],
    ['the number stays', { changes: [] }],
  ])('nothing is said where %s', (_why, rest) => {
    expect(warnings(rest)).toEqual([])
  })
})

describe('releases that were left behind', () => {
  test.each(['pending-upgrade', 'pending-rollback'] as const)(
    '%s goes back to the last deployed revision first',
    async (status) => {
      const cluster = new FakeCluster()
      cluster.namespaceExists = true
      cluster.seed('task-service', 'v1')
      cluster.seed('task-service', 'v2', 'failed')
      cluster.seed('task-service', 'v3', status)
      const { plan, results } = await deploy(
        cluster.ports(),
        request({ services: ['task-service'], tags: { '*': 'v4' } }),
      )
      expect(plan.services[0]?.action).toBe('recover')
      expect(outcomes(results)).toEqual({ 'task-service': 'deployed' })
      expect(cluster.log).toEqual(['rollback task-service 1', 'upgrade task-service'])
    },
  )
  test('an unfinished first install is finished, since there is nothing to go back to', async () => {
    const cluster = new FakeCluster()
    cluster.namespaceExists = true
    cluster.seed('task-service', 'v1', 'pending-install')
    await deploy(cluster.ports(), request({ services: ['task-service'] }))
    expect(cluster.log).toEqual(['rollback task-service 1', 'upgrade task-service'])
  })
})

test('a fault of the API server in the middle of an upgrade is tried again', async () => {
  const cluster = new FakeCluster()
  cluster.beforeUpgrade = (_service, attempt) => {
    if (attempt === 1) throw new Error('transient')
  }
  const { results } = await deploy(cluster.ports(), request({ services: ['task-service'] }))
  expect(outcomes(results)).toEqual({ 'task-service': 'deployed' })
  expect(cluster.log).toEqual(['create namespace', 'upgrade task-service', 'upgrade task-service'])
})

test('any other fault of helm is the service’s failure', async () => {
  const cluster = new FakeCluster()
  cluster.beforeUpgrade = () => {
    throw new Error('Deployment "x" is invalid')
  }
  const { results } = await deploy(cluster.ports(), request({ services: ['task-service'] }))
  expect(results[0]).toMatchObject({ outcome: 'failed', error: 'Deployment "x" is invalid' })
})

test('a Deployment that somebody deletes meanwhile is a verdict, not a wait', async () => {
  const cluster = new FakeCluster()
  cluster.behave = () => 'hang'
  setTimeout(() => {
    cluster.rollouts.delete('task-service')
    cluster.watch.emit('change')
  }, 50)
  const { results } = await deploy(cluster.ports(), request({ services: ['task-service'] }))
  expect(results[0]?.failure?.finding).toMatchObject({ code: 'DEPLOYMENT_GONE', reason: 'Deleted' })
})

test('without news from the cluster for minutes: given up, and nothing is claimed', async () => {
  const cluster = new FakeCluster()
  cluster.behave = () => 'hang'
  cluster.watch.lost = new Error('ECONNREFUSED')
  const ports = cluster.ports()
  let now = Date.now()
  ports.now = () => {
    now += 30_000
    return now
  }
  const { results } = await deploy(ports, request({ services: ['task-service'] }))
  expect(results[0]).toMatchObject({
    outcome: 'failed',
    unknown: true,
    error: expect.stringContaining('no news from the cluster for 2 m 00 s'),
  })
})

test('a deploy that was on its way back is not taken up again', () => {
  const phases = [{ name: 'rollback', startedAt: '2026-01-01T00:00:01.000Z' }]
  const set = releaseSet('d-1', { outcome: 'abandoned', proven: undefined, phases })
  expect(() => unfinishedDeploy([set], 'test')).toThrow(
    expect.objectContaining({
      code: 'RESUME_UNSAFE',
      suggestions: expect.arrayContaining(['go back: emr rollback test all']),
    }),
  )
  expect(unfinishedDeploy([{ ...set, phases: [] }], 'test').id).toBe('d-1')
})

test('interrupted: what runs stops, nothing new starts, and the error says what is half done', async () => {
  const cluster = new FakeCluster()
  const controller = new AbortController()
  cluster.behave = () => 'hang'
  cluster.beforeUpgrade = (service) => {
    if (service === 'sync-service') setTimeout(() => controller.abort(new InterruptedError()), 20)
  }
  const ports = cluster.ports({}, controller)
  const { plan, results } = await deploy(ports, request({ concurrency: 3 }))
  expect(outcomes(results)).toEqual({
    ...all('interrupted'),
    'handover-service': 'skipped',
    'api-gateway': 'skipped',
  })
  const run = { durationMs: 10, evidence: '', timedOut: false }
  expect(() => deployOutcome(ports, plan, results, run)).toThrow(
    expect.objectContaining({
      exitCode: 130,
      message: expect.stringContaining('skipped: handover-service, api-gateway'),
    }),
  )
})

test('out of time: exit 9', async () => {
  const cluster = new FakeCluster()
  cluster.behave = () => 'hang'
  const ports = cluster.ports()
  const { plan, results } = await deploy(ports, request({ services: ['task-service'], timeoutMs: 50 }))
  const run = { durationMs: 51, evidence: '', timedOut: true }
  expect(() => deployOutcome(ports, plan, results, run)).toThrow(
    expect.objectContaining({
      code: 'DEPLOY_TIMED_OUT',
      exitCode: 9,
      message: expect.stringMatching(
        /^task-service: not ready within 50 ms\ntask-service: the new pods never become ready\n {2}pod +task-service-a/,
      ),
    }),
  )
})

describe('bad requests', () => {
  test('an unknown service is answered with the nearest', async () => {
    const ports = new FakeCluster().ports()
    await expect(prepare(ports, request({ services: ['task-servce'] }))).rejects.toMatchObject({
      code: 'SERVICE_UNKNOWN',
      exitCode: 2,
      suggestions: ["did you mean 'task-service'?"],
    })
    await expect(prepare(ports, request({ tags: { gateway: 'v1' } }))).rejects.toMatchObject({
      exitCode: 2,
    })
  })
  test('a tag for a service that is not deployed is not left unused', async () => {
    const ports = new FakeCluster().ports()
    const wanted = request({ services: ['task-service'], tags: { 'sync-service': 'v1' } })
    await expect(prepare(ports, wanted)).rejects.toMatchObject({
      message: 'A tag is given for sync-service, which is not among the services to deploy',
      exitCode: 2,
      suggestions: ['--services task-service,sync-service'],
    })
  })
  test('all problems of all services are reported at once', async () => {
    const ports = new FakeCluster().ports()
    ports.live.preview = async (_previous, rendered) => ({
      state: 'refused',
      message: `no ${rendered.metadata?.name}`,
    })
    await expect(prepare(ports, request())).rejects.toMatchObject({
      code: 'PREFLIGHT',
      exitCode: 4,
      details: {
        problems: expect.arrayContaining(SERVICES.map((name) => expect.stringContaining(`no ${name}`))),
      },
    })
  })
  test('an object of somebody else is not taken over', async () => {
    const ports = new FakeCluster().ports()
    const live = { metadata: { annotations: { 'meta.helm.sh/release-name': 'other' } } }
    ports.live.preview = async (_previous, rendered) => ({ state: 'present', live, applied: rendered })
    await expect(prepare(ports, request({ services: ['task-service'] }))).rejects.toThrow(
      'Deployment/task-service exists already and does not belong to the release task-service',
    )
  })
  test('files that are not there are named', async () => {
    const ports = new FakeCluster().ports({
      services: [{ name: 'x', chart: '/no/chart', values: ['/no/values.yaml'], needs: [] }],
    })
    await expect(prepare(ports, request())).rejects.toMatchObject({
      details: { problems: ['/no/chart/Chart.yaml does not exist', '/no/values.yaml does not exist'] },
    })
  })
})
