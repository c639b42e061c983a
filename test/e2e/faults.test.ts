import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { helmMajors } from '../support/binaries.ts'
import { openProject, type Project, seen } from './project.ts'

/** How long these environments let each kind of trouble last. */
const PATIENCE_MS = 2_000
/** A verdict has to come this soon after its rule allows it. */
const DETECTION_MS = 15_000
/** The charts' progressDeadlineSeconds, at the sandbox's speed or shortened. */
const PROGRESS_DEADLINE_MS = 12_000

const rollout = { imagePull: '2s', containerConfig: '2s', unschedulable: '2s', podCreation: '2s' }
const charts = resolve(import.meta.dirname, '../../helm')

interface Case {
  fault: string
  headline: string
  reason: RegExp
  /** When its rule allows the verdict, after the fault shows. */
  ruleMs: number
  exitCode?: number
  log?: RegExp
}

const cases: Case[] = [
  {
    fault: 'notfound',
    headline: 'the image does not exist',
    reason: /ErrImagePull|ImagePullBackOff/,
    ruleMs: 0,
  },
  {
    fault: 'throttled',
    headline: 'the image cannot be pulled',
    reason: /toomanyrequests/,
    ruleMs: PATIENCE_MS,
  },
  {
    fault: 'crashloop',
    headline: 'the new pods crash',
    reason: /CrashLoopBackOff/,
    ruleMs: 0,
    exitCode: 1,
    log: /cannot connect to the database/,
  },
  {
    fault: 'oom',
    headline: 'the new pods run out of memory',
    reason: /OOMKilled/,
    ruleMs: 0,
    exitCode: 137,
    log: /\| \{"time"/,
  },
  {
    fault: 'badconfig',
    headline: 'a container cannot be configured',
    reason: /CreateContainerConfigError/,
    ruleMs: PATIENCE_MS,
  },
  {
    fault: 'unschedulable',
    headline: 'no node can take the new pods',
    reason: /Insufficient cpu/,
    ruleMs: PATIENCE_MS,
  },
  {
    fault: 'unready',
    headline: 'the new pods never become ready',
    reason: /Readiness probe failed/,
    ruleMs: PROGRESS_DEADLINE_MS,
    log: /\| \{"time"/,
  },
]

/** emr judges roll-outs without helm: one kind of trouble shows that the older one settles its release as well. */
const trouble = helmMajors.map((helm) => ({
  helm,
  cases: helm === '3' ? cases.filter(({ fault }) => fault === 'crashloop') : cases,
}))

describe.each(trouble)('a roll-out that cannot succeed, with helm $helm', ({ helm, cases }) => {
  let project: Project
  beforeAll(async () => {
    const environments = Object.fromEntries(
      [...cases.map(({ fault }) => fault), 'quota'].map((name) => [name, { rollout }]),
    )
    project = await openProject({
      helm,
      environments,
      services: { 'task-service': { chart: join(charts, 'task-service') } },
    })
    await project.cluster.start()
  })
  afterAll(() => project.close())

  const statuses = async (namespace: string): Promise<string[]> => {
    const { stdout } = await project.kubectl(
      'get',
      'secrets',
      '-n',
      namespace,
      '-l',
      'owner=helm',
      '-o',
      'json',
    )
    const { items } = JSON.parse(stdout) as { items: { metadata: { labels: { status: string } } }[] }
    return items.map(({ metadata }) => metadata.labels.status).sort()
  }

  test.concurrent.each(cases)(
    '$fault: $headline',
    async ({ fault, headline, reason, ruleMs, exitCode, log }) => {
      const namespace = project.namespaceOf(fault)
      const before = Date.now()
      expect((await project.emr('deploy', fault)).code).toBe(0)
      // A busy machine slows both of them down.
      const detectionMs = Math.max(DETECTION_MS, 3 * (Date.now() - before))
      const { code, stdout, stderr } = await project.emr('deploy', fault, '--tag', `1.0.1-${fault}`, '--json')
      expect(code).toBe(6)
      expect(stderr).toContain(`✖ task-service: ${headline}`)
      expect(stderr).toMatch(/pod +task-service-[a-z0-9]+-[a-z0-9]+/)
      expect(stderr).toMatch(reason)
      if (log) expect(stderr).toMatch(log)
      const { error } = JSON.parse(stdout)
      expect(error.details.durationMs).toBeLessThan(ruleMs + detectionMs)
      const [{ failure }] = error.details.services
      if (fault !== 'unschedulable') expect(failure.finding.container).toBe('task-service')
      if (exitCode !== undefined) expect(failure.finding.exitCode).toBe(exitCode)
      expect(readdirSync(error.details.evidence)).toContain('task-service.json')
      expect(await statuses(namespace)).toEqual(['deployed', 'superseded', 'superseded'])
    },
  )

  test.concurrent('quota: the API server refuses the new pods', async () => {
    const namespace = project.namespaceOf('quota')
    expect((await project.emr('deploy', 'quota')).code).toBe(0)
    await project.kubectl('create', 'quota', 'small', '-n', namespace, '--hard=pods=2')
    const { code, stderr } = await project.emr('deploy', 'quota', '--tag', '1.0.1')
    expect(stderr).toContain('✖ task-service: the API server refuses the new pods')
    expect(stderr).toMatch(/reason +FailedCreate: .*exceeded quota: small/)
    expect(code).toBe(6)
    expect(await statuses(namespace)).toEqual(['deployed', 'superseded', 'superseded'])
  })
})

describe.each(helmMajors)('a failing hook, with helm %s', (helm) => {
  let project: Project
  beforeAll(async () => {
    const services = { web: { chart: resolve(import.meta.dirname, 'charts/migrating') } }
    project = await openProject({
      helm,
      services,
      environments: { e2e: { values: ['values.yaml'], rollout } },
    })
  })
  afterAll(() => project.close())

  const values = (text: string) => writeFileSync(join(project.folder, 'values.yaml'), text)
  const image = async () => {
    const where = ['-n', project.namespaceOf('e2e'), '-o', 'jsonpath={..image}']
    return (await project.kubectl('get', 'deployment/web', ...where)).stdout
  }

  test('is told with its log, and nothing of the new version runs', async () => {
    values('migration: 1.0.0\n')
    expect((await project.emr('deploy', 'e2e')).code).toBe(0)
    values('migration: 1.0.1-fail\n')
    const { code, stdout, stderr } = await project.emr('deploy', 'e2e', '--tag', '1.0.1', '--json')
    expect(stderr).toContain('✖ web: a hook of the release failed')
    expect(stderr).toMatch(/job +migrate/)
    expect(stderr).toMatch(/\| .*fatal/)
    expect(code).toBe(6)
    expect(existsSync(JSON.parse(stdout).error.details.evidence)).toBe(true)
    expect(await image()).toMatch(/web:1\.0\.0$/)

    values('migration: 1.0.2\n')
    expect((await project.emr('deploy', 'e2e', '--tag', '1.0.2')).code).toBe(0)
    expect(await image()).toMatch(/web:1\.0\.2$/)
  })
})

describe('what passes by itself is waited for', () => {
  let project: Project
  beforeAll(async () => {
    project = await openProject({ environments: { e2e: { rollout } } })
    await project.cluster.start()
  })
  afterAll(() => project.close())

  test('a service that is slow but healthy', async () => {
    const { code } = await project.emr('deploy', 'e2e', '--tag', '1.0.0-slow')
    expect(code).toBe(0)
  })

  test('watches that break again and again', async () => {
    const faults = project.faults()
    const deploy = project.start('deploy', 'e2e', '--tag', '1.0.1')
    const timer = setInterval(() => void faults.dropWatches(), 300)
    const { code } = await deploy.ended.finally(() => clearInterval(timer))
    faults.close()
    expect(code).toBe(0)
  })

  test.each([
    ['429 answers', { status: 429, share: 0.05, retryAfterSeconds: 1 }],
    ['500 answers', { status: 500, share: 0.2, seconds: 4 }],
  ] as const)('%s', async (_, error) => {
    const faults = project.faults()
    await faults.set({ errors: [error] })
    const { code, stderr } = await project.emr('deploy', 'e2e', '--tag', `1.1.${error.status}`)
    await faults.clear()
    faults.close()
    expect(stderr).not.toContain('✖')
    expect(code).toBe(0)
  })

  test('a request that is answered only after more tries than one has by itself', async () => {
    const faults = project.faults()
    await faults.set({ errors: [{ status: 503, path: '/leases/', count: 8 }] })
    const { code, stderr } = await project.emr('deploy', 'e2e', '--tag', '1.1.503')
    await faults.clear()
    faults.close()
    expect(code, stderr).toBe(0)
  })

  test('an API server that is away for a few seconds', async () => {
    const faults = project.faults()
    const deploy = project.start('deploy', 'e2e', '--tag', '1.2.0-slow')
    await seen(deploy, /task-service 0 of \d new pods ready/)
    await faults.silence(3)
    const { code, stderr } = await deploy.ended
    faults.close()
    expect(stderr).toMatch(/no news from the cluster, reconnecting: The API server .* does not answer/)
    expect(code).toBe(0)
  })
})
