import type { ListrTask } from 'listr2'
import { describe, expect, test } from 'vitest'
import type { StatePart } from '../../../src/lib/adapters/aws/state-store.ts'
import type { PlannedResource } from '../../../src/lib/domain/terraform/plan.ts'
import { EmrError, InterruptedError } from '../../../src/lib/errors.ts'
import { assertAgreement } from '../../../src/lib/workflows/infrastructure/agreement.ts'
import { applyTasks } from '../../../src/lib/workflows/infrastructure/apply.ts'
import { bootstrapTasks, inspectStore } from '../../../src/lib/workflows/infrastructure/bootstrap.ts'
import { assertAllowed } from '../../../src/lib/workflows/infrastructure/guard.ts'
import { assertOffered } from '../../../src/lib/workflows/infrastructure/offers.ts'
import { assertLifeFor } from '../../../src/lib/workflows/infrastructure/preflight.ts'
import { planTasks } from '../../../src/lib/workflows/infrastructure/prepare.ts'
import type { InfrastructurePorts } from '../../../src/lib/workflows/infrastructure/types.ts'
import { thresholds } from '../domain/rollout/facts.ts'

const HOUR = 60 * 60_000
const NOW = 1_000 * HOUR

const database = (part: Partial<PlannedResource> = {}): PlannedResource => ({
  address: 'aws_db_instance.main',
  type: 'aws_db_instance',
  actions: ['delete', 'create'],
  before: { identifier: 'db', username: 'a' },
  after: { identifier: 'db', username: 'b' },
  unknown: {},
  sensitive: { before: {}, after: {} },
  replacePaths: [['username']],
  reason: undefined,
  ...part,
})

/** A Terraform that plans these resources. */
function portsOf(resources: PlannedResource[], part: Partial<InfrastructurePorts> = {}) {
  const log: string[] = []
  const infrastructure = {
    folder: import.meta.dirname,
    varFile: import.meta.filename,
    workspace: 'dev',
    backend: { bucket: 'states', table: 'locks', key: 'k', region: 'us-east-1' },
  }
  const ports: InfrastructurePorts = {
    environment: {
      name: 'dev',
      protected: false,
      namespace: 'n',
      cluster: { kind: 'eks', name: 'c' },
      aws: { accountId: '111111111111', region: 'us-east-1' },
      infrastructure,
      services: [],
      concurrency: 1,
      rollout: thresholds,
    },
    terraform: {
      init: async () => void log.push('init'),
      selectWorkspace: async () => void log.push('workspace'),
      plan: async (_file, mode) => {
        log.push(`plan ${mode}`)
        const summary = 'Check block assertion failed'
        const warnings = [{ severity: 'warning' as const, summary, detail: 'Old.', where: undefined }]
        return { warnings, changes: resources.length > 0 }
      },
      show: async () => ({ resources, drift: [], outputs: [] }),
      apply: async () => void log.push('apply'),
      output: async () => ({
        endpoint: { value: 'db:5432', sensitive: false },
        password: { value: 'hunter2', sensitive: true },
      }),
    },
    planFile: '/nowhere',
    identity: async () => ({ accountId: '111111111111', arn: 'arn', expiresAt: undefined }),
    stateStore: async () => store(true),
    newestSnapshot: async () => NOW - HOUR,
    offeredVersions: async () => [{ version: '15.13' }],
    quota: async () => ({ limit: 5, used: 0 }),
    signal: new AbortController().signal,
    now: () => NOW,
    ...part,
  }
  return { ports, log }
}

const store = (there: boolean) => ({
  bucket: there,
  versioning: there,
  encryption: there,
  publicAccessBlock: there,
  tlsOnlyPolicy: there,
  lockTable: there,
  pointInTimeRecovery: there,
})

async function run(tasks: ListrTask[]): Promise<string[]> {
  const outputs: string[] = []
  const task = {
    title: '',
    set output(text: string) {
      outputs.push(text)
    },
  }
  for (const { task: work, enabled } of tasks) if (enabled !== false) await work(undefined, task as never)
  return outputs
}

async function planOf(ports: InfrastructurePorts) {
  const planning = planTasks(ports, 'apply')
  await run(planning.tasks)
  return planning.plan()
}

describe('planning', () => {
  test('initialises, selects the workspace, plans, and gives the same fingerprint for the same plan', async () => {
    const { ports, log } = portsOf([database()])
    const plan = await planOf(ports)
    expect(log).toEqual(['init', 'workspace', 'plan apply'])
    expect(plan).toMatchObject({ environment: 'dev', counts: { replace: 1 }, warnings: ['Old.'] })
    expect(plan.fingerprint).toMatch(/^[0-9a-f]{12}$/)
    expect((await planOf(ports)).fingerprint).toBe(plan.fingerprint)
    const other = portsOf([database({ after: { username: 'c' } })])
    expect((await planOf(other.ports)).fingerprint).not.toBe(plan.fingerprint)
  })
  test('starts nothing before there is a place for the state, and tells all problems at once', async () => {
    const { ports, log } = portsOf([], {
      stateStore: async () => store(false),
      identity: async () => ({ accountId: '1', arn: 'a', expiresAt: NOW + 60_000 }),
    })
    const error = await planOf(ports).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      exitCode: 4,
      suggestions: ['aws sso login', 'emr bootstrap dev'],
      message: expect.stringContaining('the bucket states and the table locks not found'),
    })
    expect((error as EmrError).message).toContain('credentials end in 1 m 00 s')
    expect(log).toEqual([])
  })
  test('credentials that live long enough to plan may be too short for the apply', async () => {
    const identity = (minutes: number) => async () => ({
      accountId: '1',
      arn: 'a',
      expiresAt: NOW + minutes * 60_000,
    })
    const life = async (minutes: number, changes: PlannedResource[]) => {
      const { ports } = portsOf(changes, { identity: identity(minutes) })
      return assertLifeFor(ports, await planOf(ports))
    }
    await expect(life(20, [database()])).rejects.toMatchObject({
      code: 'CREDENTIALS_SHORT',
      message: expect.stringContaining('end in 20 m 00 s, and this can take 45 m 00 s'),
    })
    await life(50, [database()])
    await life(20, [database({ address: 'aws_sns_topic.a', type: 'aws_sns_topic' })])
    await life(6, [])
  })
  test('a variable file of another region is refused', async () => {
    const { ports } = portsOf([])
    const show = async () => ({ resources: [], drift: [], outputs: [], region: 'eu-west-1' })
    await expect(planOf({ ...ports, terraform: { ...ports.terraform, show } })).rejects.toMatchObject({
      code: 'REGION_MISMATCH',
      exitCode: 4,
      message: expect.stringContaining('puts dev in eu-west-1, but its configuration says us-east-1'),
    })
  })
  test('one problem alone keeps its own code', async () => {
    const { ports } = portsOf([], { stateStore: async () => ({ ...store(true), lockTable: false }) })
    await expect(planOf(ports)).rejects.toMatchObject({
      code: 'STATE_STORE_MISSING',
      message: "There is no place for Terraform's state: the table locks not found",
    })
  })
})

describe('what AWS offers', () => {
  const created = (version: string) => [
    database({ actions: ['create'], before: {}, after: { engine_version: version } }),
    database({ address: 'aws_vpc.main', type: 'aws_vpc', actions: ['create'], before: {}, after: {} }),
  ]

  test('is asked once the plan is known, and is part of it', async () => {
    const { ports } = portsOf(created('15.13'))
    const { checks } = await planOf(ports)
    expect(checks.map(({ id, status }) => [id, status])).toEqual([
      ['version.rds', 'good'],
      ['quota.vpcs', 'good'],
    ])
    expect(() => assertOffered({ checks })).not.toThrow()
  })
  test('and what it does not offer is refused, all of it at once, with what to write', async () => {
    const { ports } = portsOf(created('15.4'), { quota: async () => ({ limit: 5, used: 5 }) })
    const { checks } = await planOf(ports)
    expect(() => assertOffered({ checks })).toThrow(
      expect.objectContaining({
        code: 'AWS_WOULD_REFUSE',
        exitCode: 4,
        suggestions: [
          'set rds_engine_version = "15.13" in the variable file',
          expect.stringContaining('request-service-quota-increase'),
        ],
      }),
    )
  })
  test('is not evaluated, and never good, where AWS does not tell', async () => {
    const denied = new EmrError('The AWS identity may not list the versions', {
      code: 'ACCESS_DENIED',
      exitCode: 4,
    })
    const { ports } = portsOf(created('15.4'), { offeredVersions: () => Promise.reject(denied) })
    const { checks } = await planOf(ports)
    expect(checks[0]).toMatchObject({ id: 'version.rds', status: 'unknown', detail: denied.message })
    expect(() => assertOffered({ checks })).not.toThrow()
  })
  test('is not asked for what stays as it is', async () => {
    const asked = () => Promise.reject(new Error('asked'))
    const same = {
      actions: ['update'],
      before: { engine_version: '15.4' },
      after: { engine_version: '15.4' },
    }
    const { ports } = portsOf([database(same)], { offeredVersions: asked, quota: asked })
    expect((await planOf(ports)).checks).toEqual([])
  })
})

describe('what was applied and what is configured', () => {
  const environment = {
    name: 'dev',
    cluster: { kind: 'eks' as const, name: 'emr-platform-dev' },
    namespace: 'emr-platform-dev',
  }
  const outputs = (cluster: string, namespace = 'emr-platform-dev') => ({
    cluster_name: { value: cluster, sensitive: false },
    namespace: { value: namespace, sensitive: false },
  })

  test('are the same cluster and the same namespace', () => {
    expect(() => assertAgreement(environment, outputs('emr-platform-dev'))).not.toThrow()
    expect(() => assertAgreement(environment, {})).not.toThrow()
  })
  test.each([
    ['CLUSTER_MISMATCH', outputs('other'), 'set environments.dev.cluster.eks: other'],
    ['NAMESPACE_MISMATCH', outputs('emr-platform-dev', 'n'), 'set environments.dev.namespace: n'],
  ])('or the services stay as they are: %s', (code, applied, suggestion) => {
    expect(() => assertAgreement(environment, applied)).toThrow(
      expect.objectContaining({ code, exitCode: 4, suggestions: [suggestion] }),
    )
  })
})

describe('the guard', () => {
  test('refuses to replace the database, and names it with the reason', async () => {
    const { ports } = portsOf([database()])
    await expect(assertAllowed(ports, await planOf(ports), [])).rejects.toMatchObject({
      code: 'PLAN_REFUSED',
      exitCode: 4,
      message: expect.stringContaining('replace aws_db_instance.main: username cannot be changed in place'),
      details: { addresses: ['aws_db_instance.main'] },
    })
  })
  test('lets it go when it is named and a snapshot of today is there', async () => {
    const { ports } = portsOf([database()])
    await expect(assertAllowed(ports, await planOf(ports), ['aws_db_instance.main'])).resolves.toBeUndefined()
  })
  test.each([
    ['no snapshot', undefined],
    ['an old snapshot', NOW - 25 * HOUR],
  ])('refuses even so with %s', async (_, madeAt) => {
    const { ports } = portsOf([database()], { newestSnapshot: async () => madeAt })
    await expect(assertAllowed(ports, await planOf(ports), ['aws_db_instance.main'])).rejects.toMatchObject({
      code: 'SNAPSHOT_MISSING',
      suggestions: ['emr db-backup dev snapshot'],
    })
  })
  test('refuses what AWS protects from deletion, and says how to give that up', async () => {
    const { ports } = portsOf([database({ before: { identifier: 'db', deletion_protection: true } })])
    await expect(assertAllowed(ports, await planOf(ports), ['aws_db_instance.main'])).rejects.toMatchObject({
      code: 'DELETION_PROTECTED',
      suggestions: [
        expect.stringContaining('deletion_protection = false'),
        'emr deploy dev --skip-services',
        expect.any(String),
      ],
    })
  })
  test('does not take an address that nothing happens to', async () => {
    const { ports } = portsOf([database()])
    await expect(assertAllowed(ports, await planOf(ports), ['aws_db_instance.mian'])).rejects.toMatchObject({
      exitCode: 2,
      suggestions: ["did you mean 'aws_db_instance.main'?"],
    })
  })
})

describe('applying', () => {
  const topic = database({
    address: 'aws_sns_topic.a',
    type: 'aws_sns_topic',
    actions: ['create'],
    before: {},
    replacePaths: [],
  })
  const event = (kind: 'started' | 'running' | 'done' | 'failed', seconds: number) => ({
    ...{ kind, address: 'aws_sns_topic.a', action: 'create', seconds },
  })

  test('tells each resource that is done, a slow one once a minute, and masks sensitive outputs', async () => {
    const { ports } = portsOf([topic])
    ports.terraform.apply = async (_file, { onEvent } = {}) => {
      for (const seconds of [10, 60, 70]) onEvent?.(event('running', seconds))
      onEvent?.(event('done', 75))
    }
    const applying = applyTasks(ports, await planOf(ports))
    expect(await run(applying.tasks)).toEqual([
      'aws_sns_topic.a create since 1 m 00 s',
      '1 of 1  aws_sns_topic.a create 1 m 15 s',
    ])
    expect(applying.result()).toMatchObject({
      outcome: 'applied',
      outputs: {
        endpoint: { value: 'db:5432', sensitive: false },
        password: { value: null, sensitive: true },
      },
    })
  })
  test('does not run for a plan without changes', async () => {
    const { ports, log } = portsOf([])
    const applying = applyTasks(ports, await planOf(ports))
    await run(applying.tasks)
    expect(log).not.toContain('apply')
    expect(applying.result().outcome).toBe('unchanged')
  })
  test('that is interrupted says what is done, what is half done, and how to go on', async () => {
    const { ports } = portsOf([topic])
    ports.terraform.apply = async (_file, { onEvent } = {}) => {
      onEvent?.(event('started', 0))
      throw new InterruptedError()
    }
    const applying = applyTasks(ports, await planOf(ports))
    await expect(run(applying.tasks)).rejects.toMatchObject({
      exitCode: 130,
      message: expect.stringMatching(/0 of 1 changes are applied.*halfway: aws_sns_topic\.a.*emr deploy dev/),
    })
  })
})

describe('bootstrap', () => {
  test('makes what is missing in order, and nothing of what is there', async () => {
    const made: StatePart[] = []
    const view = { ...store(true), versioning: false, lockTable: false }
    const fake = { inspect: async () => view, make: async (part: StatePart) => void made.push(part) }
    const steps = await inspectStore(fake)
    await run(bootstrapTasks(fake, steps))
    expect(made).toEqual(['versioning', 'lockTable'])
    expect(steps.filter(({ outcome }) => outcome === 'made').map(({ part }) => part)).toEqual(made)
    expect(steps.filter(({ outcome }) => outcome === 'there')).toHaveLength(5)
  })
})
