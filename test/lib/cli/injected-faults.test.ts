import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  isTransient,
  KubernetesApiError,
  KubernetesConnectionError,
} from '../../../src/lib/adapters/kubernetes/api-error.ts'
import { carryOutPods } from '../../../src/lib/cli/change-pods.ts'
import { carryOutDeploy } from '../../../src/lib/cli/deploy-run.ts'
import type { EnvironmentAccess } from '../../../src/lib/cli/environment-access.ts'
import { type Assignment, operate } from '../../../src/lib/cli/operation.ts'
import { carryOutRollback } from '../../../src/lib/cli/rollback.ts'
import type { SmokeSuite } from '../../../src/lib/domain/smoke-test/suite.ts'
import { asEmrError, type ErrorDocument, errorDocument } from '../../../src/lib/output/error-view.ts'
import { type PodsPorts, preparePods } from '../../../src/lib/workflows/change-pods.ts'
import { prepareDeploy } from '../../../src/lib/workflows/deploy/prepare.ts'
import { liveStates } from '../../../src/lib/workflows/release-state.ts'
import { prepareRollback } from '../../../src/lib/workflows/rollback/prepare.ts'
import { runSmokeTests, type SmokePorts } from '../../../src/lib/workflows/smoke-test/run.ts'
import { FakeRecords } from '../../support/fake-access.ts'
import { FakeCluster, SERVICES } from '../../support/fake-cluster.ts'
import { type Faults, faulty } from '../../support/faulty.ts'
import { releaseSet } from '../../support/release-set.ts'

const { signal } = new AbortController()
const limits = { concurrency: 4, timeoutMs: 5_000 }

const noConnection = () => new KubernetesConnectionError('https://cluster', new Error('ECONNREFUSED'))
/** What may be thrown by an adapter. */
const ERRORS: (() => unknown)[] = [
  noConnection,
  () => new KubernetesApiError(403, { message: 'forbidden' } as never, { request: 'GET /' }),
  () => Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC', syscall: 'open', path: '/e/x' }),
]

/** One world for one run: five services at v1, proven good by an earlier deploy. */
class World {
  readonly cluster = new FakeCluster()
  readonly records = new FakeRecords()
  readonly faults: Faults
  smokeFails = false
  scaling = { replicas: 2 }

  constructor(faults: Omit<Faults, 'calls'>) {
    this.faults = { ...faults, calls: [] }
    this.cluster.namespaceExists = true
    for (const service of SERVICES) this.cluster.seed(service, 'v1')
  }

  async access(): Promise<EnvironmentAccess> {
    const ports = this.cluster.ports()
    const after = await liveStates(ports.helm, SERVICES, signal)
    const services = Object.fromEntries(SERVICES.map((name) => [name, { after: after[name] }]))
    this.records.sets.push(releaseSet('a-before', { services }))
    const real = { ...ports, workloads: { ...ports.workloads, isTransient } }
    const access = faulty(this.records.access(real), this.faults)
    return { ...access, ports: faulty(real, this.faults) }
  }

  get verification() {
    const file = 'smoke-tests.yaml'
    const check = { kind: 'tcp', service: 'task-service', address: 'db:5432' }
    const test = { name: 'database', tags: [], attempts: 1, pauseMs: 0, timeoutMs: 1, check }
    const suite = { file, tests: [test] } as unknown as SmokeSuite
    const connect = async () => {
      if (this.smokeFails) throw new Error('refused')
    }
    const ports = { environment: 'test', values: {}, secrets: [], signal, now: Date.now, connect }
    return {
      file,
      run: () =>
        runSmokeTests(
          faulty(ports, this.faults, 'smoke') as unknown as SmokePorts,
          suite,
          [],
          () => undefined,
        ),
    }
  }

  /** The version that each service runs. */
  get running(): Record<string, string | undefined> {
    const entries = [...this.cluster.releases].map(([name, { revisions }]) => [name, revisions.at(-1)?.tag])
    return Object.fromEntries(entries)
  }
}

interface Operation {
  run: (world: World) => Promise<object>
  /** Services that its result has. */
  services: string[]
  isDone: (world: World) => boolean
}

async function assignment(
  access: EnvironmentAccess,
  operation: Assignment['operation'],
  request: Assignment['request'],
): Promise<Assignment> {
  const before = await liveStates(access.ports.helm, SERVICES, signal)
  return { operation, request, before, waitMs: 0, newest: 'a-before' }
}

const all = (tag: string) => Object.fromEntries(SERVICES.map((name) => [name, tag]))

async function deploy(world: World, change?: Record<string, string>): Promise<object> {
  const access = await world.access()
  const services = change ? ['task-service'] : []
  const tags: Record<string, string> = change ? {} : { '*': 'v2' }
  const request = { ...limits, services, tags, ...(change && { change }) }
  const plan = await prepareDeploy(access.ports, request, [])
  const options = { rollback: true, verification: world.verification }
  const job = await assignment(access, change ? 'set' : 'deploy', { services, tags })
  return operate(access, job, (journal, overtaken) =>
    carryOutDeploy(access, request, plan, options, { journal, overtaken }),
  )
}

async function rollback(world: World): Promise<object> {
  const access = await world.access()
  for (const service of SERVICES) world.cluster.seed(service, 'v2')
  world.cluster.log.length = 0
  const request = { ...limits, services: [], to: 'a-before', revision: undefined }
  const plan = await prepareRollback(access.ports, await access.sets.list(signal), request)
  const job = await assignment(access, 'rollback', { services: [], to: 'a-before' })
  return operate(access, job, (journal, overtaken) =>
    carryOutRollback(access, request, plan, world.verification, { journal, overtaken }),
  )
}

async function changePods(world: World, replicas: number | undefined): Promise<object> {
  const access = await world.access()
  const scaling: PodsPorts['scaling'] = {
    read: async () => world.scaling,
    setReplicas: async (_name, count) => void world.cluster.log.push(`replicas ${count}`),
    setMinimum: async (_name, count) => void world.cluster.log.push(`minimum ${count}`),
    restart: async () => void world.cluster.log.push('restart'),
  }
  const ports = { ...access.ports, scaling: faulty(scaling, world.faults, 'scaling') }
  const plan = await preparePods(ports, 'task-service', replicas)
  const job = await assignment(access, plan.operation, { services: ['task-service'] })
  return operate(access, job, (journal) => carryOutPods(ports, plan, limits.timeoutMs, journal))
}

const OPERATIONS: Record<string, Operation> = {
  deploy: {
    run: (world) => deploy(world),
    services: SERVICES,
    isDone: ({ running }) => isDeepStrictEqual(running, all('v2')),
  },
  set: {
    run: (world) => deploy(world, { 'config.level': 'debug' }),
    services: ['task-service'],
    isDone: ({ cluster }) => cluster.log.length <= 1,
  },
  rollback: {
    run: rollback,
    services: SERVICES,
    isDone: ({ running }) => isDeepStrictEqual(running, all('v1')),
  },
  scale: {
    run: (world) => changePods(world, 5),
    services: ['task-service'],
    isDone: ({ cluster }) => cluster.log.includes('replicas 5'),
  },
  restart: {
    run: (world) => changePods(world, undefined),
    services: ['task-service'],
    isDone: ({ cluster }) => cluster.log.includes('restart'),
  },
}

interface Ended {
  exitCode: number
  document: object
  message: string
}

async function end(run: Promise<object>): Promise<Ended> {
  try {
    return { exitCode: 0, document: await run, message: '' }
  } catch (thrown) {
    const error = asEmrError(thrown)
    const document: ErrorDocument = errorDocument(error)
    return { exitCode: error.exitCode, document: document.error.details, message: error.message }
  }
}

/** The outcomes on record that an exit code stands for. */
const ON_RECORD: Record<number, string[]> = {
  0: ['good', 'ready'],
  1: ['failed'],
  4: ['failed'],
  5: ['failed'],
  6: ['rolled-back'],
  7: ['failed'],
  8: ['failed'],
}

function judge(
  world: World,
  { exitCode, document, message }: Ended,
  operation: Operation,
  said: string,
): void {
  const { cluster, records } = world
  const begun = records.sets.find(({ id }) => id === 'deploy-1')
  const { reportingProblems = [] } = document as { reportingProblems?: string[] }
  expect(message).not.toContain('this is a bug')
  if (exitCode === 0) expect(operation.isDone(world)).toBe(true)
  else expect(message).not.toBe('')
  // Nothing was changed.
  if (exitCode === 4) expect(cluster.log).toEqual([])
  // A change without a record does not exist.
  if (cluster.log.length > 0) expect(begun).toBeDefined()
  const isOpen = begun?.outcome === 'running'
  if (begun && !isOpen) expect(ON_RECORD[exitCode]).toContain(begun.outcome)
  if (isOpen) expect(said).toContain('is not on record')
  if (isOpen && exitCode === 0) expect(reportingProblems.join()).toContain('is not on record')
  const entry = records.entries.find(({ id }) => id === 'deploy-1')
  if (entry) expect(ON_RECORD[exitCode]).toContain(entry.outcome)
  const { services } = document as { services?: { service: string; outcome: string }[] }
  if (services && exitCode !== 0) {
    expect(services.map(({ service }) => service).sort()).toEqual([...operation.services].sort())
  }
  if (exitCode === 6) expect(world.running).toEqual(all('v1'))
}

let said = ''
beforeAll(() => {
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said += String(text)
    return true
  })
})
afterAll(() => {
  vi.restoreAllMocks()
})

/** What goes wrong besides the injected fault. */
const TROUBLES: Record<string, (world: World) => void> = {
  'all is well': () => undefined,
  'a service crashes': ({ cluster }) => {
    cluster.behave = (service, tag) => (service === 'emr-service' && tag !== 'v1' ? 'crash' : 'ready')
  },
  'a smoke test fails': (world) => {
    world.smokeFails = true
  },
}

const cases = Object.keys(OPERATIONS).flatMap((operation) =>
  Object.keys(TROUBLES)
    .filter((trouble) => {
      const isTested = operation === 'deploy' || (operation === 'rollback' && trouble !== 'a service crashes')
      return trouble === 'all is well' || isTested
    })
    .map((trouble) => ({ operation, trouble })),
)

describe.each(cases)('$operation, $trouble', ({ operation: name, trouble }) => {
  const operation = OPERATIONS[name] as Operation
  const worldWith = (faults: Omit<Faults, 'calls'>) => {
    const world = new World(faults)
    TROUBLES[trouble]?.(world)
    return world
  }
  const once = async (faults: Omit<Faults, 'calls'>) => {
    said = ''
    const world = worldWith(faults)
    const ended = await end(operation.run(world))
    return { world, ended }
  }

  test.each(['refused', 'lost answer'] as const)(
    'ends as it has ended, whatever call fails: %s',
    async (kind) => {
      const whole = await once({ at: undefined, kind, error: noConnection })
      const { calls } = whole.world.faults
      expect(calls.length).toBeGreaterThan(10)
      judge(whole.world, whole.ended, operation, said)
      for (let at = 1; at <= calls.length; at += 1) {
        const { world, ended } = await once({ at, kind, error: ERRORS[at % ERRORS.length] ?? noConnection })
        try {
          judge(world, ended, operation, said)
          if (trouble !== 'all is well' && name === 'deploy') expect(ended.exitCode).not.toBe(0)
        } catch (cause) {
          const what = `call ${at}, ${world.faults.calls[at - 1]}: exit ${ended.exitCode} ${ended.message}`
          throw new Error(`${what}\n${(cause as Error).message}`, { cause })
        }
      }
    },
  )
})
