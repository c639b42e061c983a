import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Diagnosis } from '../../../src/lib/workflows/diagnose.ts'
import { openProject, type Project } from '../project.ts'

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
  [...faults.map(([fault]) => fault), 'quota', 'healthy', 'changed', 'stuck', 'slow'].map((name) => [
    name,
    { rollout },
  ]),
)

describe('emr diagnose', () => {
  let project: Project
  beforeAll(async () => {
    project = await openProject({ environments, services })
    await project.cluster.start()
    const healthy = ['healthy', 'changed', 'quota', 'stuck', 'slow']
    await Promise.all(healthy.map((name) => project.emr('deploy', name)))
    // It counts as stuck after a minute: the other tests run meanwhile.
    const where = ['-n', project.namespaceOf('stuck')]
    const [pod = ''] = (await project.kubectl('get', 'pods', '-o', 'name', ...where)).stdout.split('\n')
    const finalizers = JSON.stringify({ metadata: { finalizers: ['example.com/held'] } })
    await project.kubectl('patch', pod, ...where, '--type=merge', '-p', finalizers)
    await project.kubectl('delete', pod, ...where, '--grace-period=1', '--wait=false')
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
  const targetPort = (value: string | number) => {
    const patch = [{ op: 'replace', path: '/spec/ports/0/targetPort', value }]
    return ['patch', 'service', 'task-service', '--type=json', '-p', JSON.stringify(patch)]
  }
  const inTemplate = (pod: object) => JSON.stringify(spec({ template: spec(pod) }))
  const securityContext = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } }
  const containers = [{ name: 'migrate', image: 'migrate:1.0.1-fail', securityContext }]
  const podSecurity = { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } }
  const objects: Record<string, object> = {
    'hook.json': {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'migrate' },
      spec: {
        backoffLimit: 1,
        template: spec({ restartPolicy: 'Never', securityContext: podSecurity, containers }),
      },
    },
    'ingress.json': {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { name: 'lost' },
      spec: { defaultBackend: { service: { name: 'nobody', port: { number: 80 } } } },
    },
    'budget.json': {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'tight' },
      spec: { minAvailable: 2, selector: { matchLabels: { 'app.kubernetes.io/name': 'task-service' } } },
    },
  }
  const made = (code: string, file: string): [string, string[], string[]] => {
    return [code, ['apply', '-f', file], ['delete', '-f', file]]
  }
  /** Made by hand in a healthy environment, and undone: by what is advised where nothing else is said. */
  const changes: [code: string, make: string[], undo?: string[]][] = [
    ['SELECTOR_MISMATCH', merge('service', spec({ selector: { 'app.kubernetes.io/name': 'nobody' } }))],
    ['TRAFFIC_DENIED', merge('networkpolicy', spec({ ingress: null }))],
    ['OBJECT_GONE', ['delete', 'networkpolicy,pdb,hpa,externalsecret', 'task-service']],
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
    ['PORT_MISMATCH', targetPort('nobody')],
    ['PORT_UNDECLARED', targetPort(9090)],
    made('INGRESS_BACKEND', 'ingress.json'),
    made('DISRUPTION_BLOCKED', 'budget.json'),
    [
      'INIT_FAILING',
      [
        'patch',
        'deployment',
        'task-service',
        '-p',
        inTemplate({
          initContainers: [{ name: 'migrate', image: 'migrate:1.0.1-crashloop', securityContext }],
        }),
      ],
      ['rollout', 'undo', 'deployment/task-service'],
    ],
    made('HOOK_FAILED', 'hook.json'),
    ['SERVICE_GONE', ['delete', 'service', 'task-service']],
  ]
  test.concurrent('what was changed by hand is found, and gone when it is undone', async ({ expect }) => {
    const inNamespace = ['-n', project.namespaceOf('changed')]
    for (const [name, object] of Object.entries(objects))
      writeFileSync(join(project.folder, name), JSON.stringify(object))
    const kubectl = (words: string[]) => {
      const own = words.map((word) => (word in objects ? join(project.folder, word) : word))
      return project.kubectl(...inNamespace, ...own)
    }
    for (const [code, make, undo] of changes) {
      expect(await kubectl(make), code).toMatchObject({ code: 0, stderr: '' })
      const { findings } = await untilFound('changed', code)
      const [advised = ''] = /(?<=emr )deploy \S+ --services [\w-]+/.exec(findings[0]?.advice ?? '') ?? []
      await (undo ? kubectl(undo) : project.emr(...advised.split(' '), '--skip-smoke-tests'))
      await expect
        .poll(async () => (await diagnose('changed')).diagnosis.findings, { timeout: 20_000 })
        .toEqual([])
    }
    await kubectl(['delete', 'deployment', 'task-service'])
    const { findings } = await untilFound('changed', 'DEPLOYMENT_GONE')
    expect(findings).toHaveLength(1)
    expect(findings[0]?.advice).toBe('deploy it: emr deploy changed --services task-service')
  })

  test.concurrent('a roll-out that is slow, and well, is nothing to tell of', async ({ expect }) => {
    const { child, ended } = project.start('deploy', 'slow', '--tag', '1.0.1-slow', '--skip-smoke-tests')
    const told: string[] = []
    while (child.exitCode === null) {
      const { findings } = (await diagnose('slow')).diagnosis
      told.push(...findings.flatMap((each) => [each, ...each.effects]).map(({ code }) => code))
    }
    expect((await ended).code).toBe(0)
    expect(told).toEqual([])
  })

  test.each([
    ['coredns', 'DNS_MISSING', 2],
    ['metrics-server', 'METRICS_MISSING', 1],
  ])('%s that is gone is found in every environment', async (name, code, replicas) => {
    const scale = (to: number) =>
      project.kubectl('scale', '-n', 'kube-system', `deployment/${name}`, `--replicas=${to}`)
    await scale(0)
    await untilFound('healthy', code)
    await scale(replicas)
    await expect
      .poll(async () => (await diagnose('healthy')).diagnosis.health, { timeout: 20_000 })
      .toBe('healthy')
  })

  test('a pod that something holds is stuck once its time is long over', async () => {
    const first = async () => (await diagnose('stuck')).diagnosis.findings[0]?.code
    await expect.poll(first, { timeout: 90_000, interval: 1000 }).toBe('STUCK_TERMINATING')
  })

  test('what may not be read is not evaluated, and never healthy', async () => {
    const denied = project.faults()
    try {
      await denied.set({
        denied: [
          { verb: 'list', resource: 'nodes' },
          { verb: 'list', resource: 'ingresses' },
          { verb: 'list', resource: 'secrets' },
          { verb: 'get', resource: 'pods' },
        ],
      })
      const { code, diagnosis } = await diagnose('healthy')
      expect(diagnosis.health).toBe('unknown')
      expect(diagnosis.notEvaluated.map(({ what }) => what)).toEqual(
        expect.arrayContaining(['nodes', 'ingresses', 'helm releases', 'logs of pods']),
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
