import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Diagnosis } from '../../../src/lib/workflows/diagnose.ts'
import { onSandbox, openProject, type Project } from '../project.ts'

const chart = resolve(import.meta.dirname, '../../../helm/task-service')
const services = { 'task-service': { chart } }
const rollout = { imagePull: '1s', containerConfig: '1s', unschedulable: '1s', podCreation: '1s' }

/** Faults of the pods, with the finding that has to come first. */
const faults: [fault: string, code: string, evidence: RegExp][] = [
  ['notfound', 'IMAGE_NOT_FOUND', /not found/],
  ['throttled', 'IMAGE_PULL_FAILING', /toomanyrequests/],
  ['badconfig', 'CONTAINER_CONFIG', /CreateContainerConfigError/],
  ['crashloop', 'CRASH_LOOP', /exit code 1/],
  ['oom', 'OUT_OF_MEMORY', /OOMKilled: exit code 137/],
  ['unready', 'NOT_READY', /statuscode: 503/],
  ['unschedulable', 'UNSCHEDULABLE', /Insufficient cpu/],
]

const environments = Object.fromEntries(
  [...faults.map(([fault]) => fault), 'quota', 'healthy', 'changed'].map((name) => [name, { rollout }]),
)

describe.skipIf(!onSandbox)('emr diagnose', () => {
  let project: Project
  beforeAll(async () => {
    project = await openProject({ environments, services })
    await project.emr('sandbox', 'start')
    await Promise.all(['healthy', 'changed', 'quota'].map((name) => project.emr('deploy', name)))
  })
  afterAll(() => project.close())

  const diagnose = async (...args: string[]): Promise<{ code: number; diagnosis: Diagnosis }> => {
    const { code, stdout } = await project.emr('diagnose', ...args, '--json')
    return { code, diagnosis: JSON.parse(stdout) }
  }
  /** Until a rule fires: controllers need a moment to tell. */
  const untilFound = async (environment: string, code: string): Promise<Diagnosis> => {
    for (let attempt = 0; attempt < 40; attempt += 1) {
      const { diagnosis } = await diagnose(environment)
      if (diagnosis.findings[0]?.code === code) return diagnosis
      await delay(250)
    }
    const { diagnosis } = await diagnose(environment)
    throw new Error(`no ${code} first: ${JSON.stringify(diagnosis.findings, null, 1)}`)
  }

  test('finds nothing in a healthy environment', async () => {
    const { code, diagnosis } = await diagnose('healthy')
    expect(diagnosis).toMatchObject({ health: 'healthy', findings: [], notEvaluated: [] })
    expect(code).toBe(0)
    const { stdout } = await project.emr('diagnose', 'healthy', 'task-service')
    expect(stdout).toContain('✔ healthy task-service: healthy, 2 pods')
  })

  test.concurrent.each(faults)('%s: %s comes first', async (fault, code, evidence) => {
    const options = ['--no-rollback', '--skip-smoke-tests', '--timeout', '4s']
    await project.emr('deploy', fault, '--tag', `1.0.1-${fault}`, ...options)
    await untilFound(fault, code)
    const ran = await project.emr('diagnose', fault)
    expect(ran.stdout).toMatch(new RegExp(`^✖ task-service: .* ${code}`))
    expect(ran.stdout).toMatch(evidence)
    expect(ran.stdout).toContain('to do')
    expect(ran.code).toBe(1)
  })

  test.concurrent('a quota that refuses new pods', async () => {
    const namespace = project.namespaceOf('quota')
    await project.kubectl('create', 'quota', 'small', '-n', namespace, '--hard=pods=2')
    await project.emr('deploy', 'quota', '--tag', '1.0.1', '--no-rollback', '--skip-smoke-tests')
    const { findings } = await untilFound('quota', 'POD_REFUSED')
    expect(findings[0]?.message).toContain('exceeded quota: small')
    expect(findings[0]?.effects.map(({ code }) => code)).toContain('QUOTA_NEARLY_USED')
  })

  const merge = (kind: string, patch: object) => [
    'patch',
    kind,
    'task-service',
    '--type=merge',
    '-p',
    JSON.stringify(patch),
  ]
  const spec = (value: object) => ({ spec: value })
  /** Made by hand in a healthy environment, and undone. */
  const changes: [code: string, make: string[], undo: string[]][] = [
    [
      'SELECTOR_MISMATCH',
      merge('service', spec({ selector: { 'app.kubernetes.io/name': 'nobody' } })),
      merge('service', spec({ selector: { 'app.kubernetes.io/name': 'task-service' } })),
    ],
    [
      'TRAFFIC_DENIED',
      merge('networkpolicy', spec({ ingress: null })),
      ['delete', 'networkpolicy', 'task-service'],
    ],
    [
      'SCALED_TO_ZERO',
      ['scale', 'deployment/task-service', '--replicas=0'],
      ['scale', 'deployment/task-service', '--replicas=2'],
    ],
    [
      'ROLLOUT_PAUSED',
      ['rollout', 'pause', 'deployment/task-service'],
      ['rollout', 'resume', 'deployment/task-service'],
    ],
  ]
  test.concurrent('what was changed by hand is found, and gone when it is undone', async ({ expect }) => {
    const inNamespace = ['-n', project.namespaceOf('changed')]
    for (const [code, make, undo] of changes) {
      expect(await project.kubectl(...inNamespace, ...make), code).toMatchObject({ code: 0 })
      await untilFound('changed', code)
      await project.kubectl(...inNamespace, ...undo)
      await expect
        .poll(async () => (await diagnose('changed')).diagnosis.findings, { timeout: 20_000 })
        .toEqual([])
    }
  })

  test('CoreDNS that is gone is found in every environment', async () => {
    const scale = (replicas: number) =>
      project.kubectl('scale', '-n', 'kube-system', 'deployment/coredns', `--replicas=${replicas}`)
    await scale(0)
    await untilFound('healthy', 'DNS_MISSING')
    await scale(2)
    await expect
      .poll(async () => (await diagnose('healthy')).diagnosis.health, { timeout: 20_000 })
      .toBe('healthy')
  })

  test('what may not be read is not evaluated, and never healthy', async () => {
    const denied = project.faults()
    try {
      await denied.set({
        denied: [
          { verb: 'list', resource: 'nodes' },
          { verb: 'list', resource: 'ingresses' },
        ],
      })
      const { code, diagnosis } = await diagnose('healthy')
      expect(diagnosis.health).toBe('unknown')
      expect(diagnosis.notEvaluated.map(({ what }) => what)).toEqual(
        expect.arrayContaining(['nodes', 'ingresses']),
      )
      expect(code).toBe(4)
      const { stdout } = await project.emr('diagnose', 'healthy')
      expect(stdout).toContain('▲ not evaluated: nodes')
    } finally {
      await denied.clear()
      denied.close()
    }
  })

  test('expired credentials are an error with what to do, also as JSON', async () => {
    const expired = project.faults()
    await expired.set({ refuseTokens: true })
    const { code, stdout } = await project.emr('diagnose', 'healthy', '--json')
    await expired.clear()
    expired.close()
    expect(JSON.parse(stdout).error.code).toBe('CLUSTER_UNAUTHORIZED')
    expect(code).toBe(4)
  })

  test('bad input says what to type instead', async () => {
    const unknown = await project.emr('diagnose', 'healthy', 'task-servic')
    expect(unknown.code).toBe(2)
    expect(unknown.stderr).toContain("did you mean 'task-service'?")
    const more = await project.emr('diagnose', 'healthy', 'task-service', 'emr-service')
    expect(more).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("'emr-service' is one word too many"),
    })
    const environment = await project.emr('diagnose', 'helthy')
    expect(environment.stderr).toContain("did you mean 'healthy'?")
    expect((await project.emr('diagnose', 'healthy', '--nope')).code).toBe(2)
  })
})
