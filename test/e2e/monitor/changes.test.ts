import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openProject, type Project, seen } from '../project.ts'

const chart = resolve(import.meta.dirname, '../../../helm/task-service')

/** Of two environments: the same one, and that it is more than a sandbox. */
const namespace = `emr-platform-changes-${process.pid}`
const aws = { accountId: '123456789012', region: 'us-east-1' }

describe('emr set, scale and restart', () => {
  let project: Project
  beforeAll(async () => {
    project = await openProject({
      environments: { e2e: { namespace }, guarded: { namespace, protected: true, aws } },
      services: { 'task-service': { chart } },
      env: { EMR_ENVIRONMENT: 'e2e' },
    })
    expect((await project.emr('deploy', '--skip-smoke-tests', '--skip-infra')).code).toBe(0)
  })
  afterAll(() => project.close())

  const read = async (kind: string, path: string) => {
    const where = ['-n', namespace, '-o', `jsonpath=${path}`]
    return (await project.kubectl('get', kind, 'task-service', ...where)).stdout
  }

  test('set changes one value, keeps the others, shows the difference, and is on record', async () => {
    const preview = await project.emr('set', 'task-service', 'config.cache.ttlSeconds=30', '--dry-run')
    expect(preview.stdout).toMatch(/data\.CACHE_TTL_SECONDS\n +- 60\n +\+ 30/)
    expect(await read('configmap', '{.data.CACHE_TTL_SECONDS}')).toBe('60')
    expect(
      await project.emr('set', 'task-service', 'config.database.poolSize=7', '--skip-smoke-tests'),
    ).toMatchObject({
      code: 0,
    })
    const set = await project.emr(
      'set',
      'e2e',
      'task-service',
      'config.cache.ttlSeconds=30',
      '--skip-smoke-tests',
    )
    expect(set.code).toBe(0)
    expect(set.stderr).toContain('- 60')
    expect(await read('configmap', '{.data.CACHE_TTL_SECONDS} {.data.DATABASE_POOL_SIZE}')).toBe('30 7')
    const { stdout } = await project.emr('history', '--json')
    expect(JSON.parse(stdout).sets[0]).toMatchObject({
      operation: 'set',
      outcome: 'ready',
      request: { services: ['task-service'], change: { 'config.cache.ttlSeconds': '30' } },
    })
  })

  test('scale raises the minimum of the autoscaler, and restart replaces the pods', async () => {
    const scaled = await project.emr('scale', 'task-service', '3')
    expect(scaled).toMatchObject({ code: 0, stdout: expect.stringContaining('at least 3 pods, all ready') })
    expect(await read('hpa', '{.spec.minReplicas}')).toBe('3')
    expect(await read('deployment', '{.status.readyReplicas}')).toBe('3')
    expect((await project.emr('scale', 'task-service', '99')).code).toBe(4)
    expect((await project.emr('scale', 'task-service', '0')).code).toBe(2)
    const before = await read('deployment', '{.metadata.generation}')
    expect((await project.emr('restart', 'task-service')).code).toBe(0)
    expect(await read('deployment', '{.metadata.generation}')).not.toBe(before)
    expect(await read('deployment', '{.status.updatedReplicas}')).toBe('3')
    const { stdout } = await project.emr('history')
    expect(stdout).toMatch(
      /restart +✔ ready .*task-service restarted\n.* scale +✔ ready .*task-service to 3 pods/,
    )
  })

  test('what takes a scale back says so before it does, and with what it is kept', async () => {
    const words = ['set', 'task-service', 'autoscaling.maxReplicas=5']
    const set = await project.emr(...words, '--dry-run', '--json')
    const again = 'emr scale e2e task-service 3'
    const [warning] = JSON.parse(set.stdout).warnings
    expect(warning).toEqual({
      message: expect.stringMatching(`^This takes back ${again} of 20\\S+Z by \\S+@\\S+: minReplicas 3 → 2$`),
      suggestions: [
        'keep it: emr set e2e task-service autoscaling.maxReplicas=5 autoscaling.minReplicas=3',
        `bring it back afterwards: ${again}`,
      ],
    })
    const deploy = await project.emr('deploy', '--skip-infra', '--dry-run')
    expect(deploy.stdout).toContain(`  ▲ ${warning.message}\n    → keep it: autoscaling.minReplicas: 3 in`)
    const kept = await project.emr(...words, 'autoscaling.minReplicas=3', '--skip-smoke-tests', '--json')
    expect(JSON.parse(kept.stdout)).toMatchObject({ outcome: 'deployed', warnings: [] })
    expect(await read('hpa', '{.spec.minReplicas} {.spec.maxReplicas}')).toBe('3 5')
  })

  test('what was killed while it followed the pods is told by the next one, with what it had begun', async () => {
    const fault = (name: string | null) => {
      const template = { metadata: { annotations: { 'sandbox.emr/fault': name } } }
      const patch = JSON.stringify({ spec: { template } })
      return project.kubectl('patch', 'deployment', 'task-service', '-n', namespace, '--patch', patch)
    }
    const killed = async (...words: string[]) => {
      const victim = project.start(...words)
      await seen(victim, /\d of \d new pods ready/)
      victim.child.kill('SIGKILL')
      return (await victim.ended).stderr
    }
    expect(await fault('unready')).toMatchObject({ code: 0 })
    await killed('scale', 'task-service', '2')
    const told = [
      await killed('restart', 'task-service'),
      await killed('set', 'task-service', 'config.cache.ttlSeconds=45', '--skip-smoke-tests'),
    ]
    expect(told.at(-1)).toMatch(/▲ This takes back emr scale e2e task-service 2 .*: minReplicas 2 → 3/)
    expect(await fault(null)).toMatchObject({ code: 0 })
    const last = await project.emr('scale', 'task-service', '3')
    expect(last, last.stderr).toMatchObject({ code: 0 })
    const cutOff = [...told, last.stderr].flatMap((text) => text.match(/(?<=▲ ).* was cut off .*/g) ?? [])
    expect(cutOff).toEqual([
      expect.stringMatching(/^scale .* in the phase 'pods'; it had begun to scale task-service to 2$/),
      expect.stringMatching(/^restart .* in the phase 'pods'; it had begun to restart task-service$/),
      expect.stringMatching(/^set .* in the phase 'services'; it had begun to change: task-service$/),
    ])
  })

  test('none of them changes a protected or a frozen environment', async () => {
    const unconfirmed = await project.emr('restart', 'guarded', 'task-service', '--yes')
    expect(unconfirmed).toMatchObject({ code: 2, stderr: expect.stringContaining('guarded is protected') })
    const typo = await project.emr('set', 'task-service', 'config.cach.ttlSeconds=30')
    expect(typo).toMatchObject({ code: 4, stderr: expect.stringContaining("'cach' not allowed") })
    expect((await project.emr('lock', '--reason', 'closed')).code).toBe(0)
    const frozen = await project.emr('scale', 'task-service', '2')
    expect(frozen).toMatchObject({ code: 8, stderr: expect.stringContaining('closed') })
    expect(await read('hpa', '{.spec.minReplicas}')).toBe('3')
  })
})
