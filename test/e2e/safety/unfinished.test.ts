import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openProject, type Project, seen } from '../project.ts'

const charts = resolve(import.meta.dirname, '../../../helm')
const services = {
  'task-service': { chart: join(charts, 'task-service') },
  'api-gateway': { chart: join(charts, 'api-gateway'), needs: ['task-service'] },
}

/** The story of one environment, told in order: each test goes on where the one before it ended. */
describe('an operation that did not get to its end', () => {
  let project: Project
  beforeAll(async () => {
    project = await openProject({ services })
    const { code, stderr } = await project.emr('deploy', 'e2e', '--tag', '1.9.0')
    expect(code, stderr).toBe(0)
  }, 120_000)
  afterAll(() => project?.close())

  const json = async (...args: string[]) => {
    const { code, stdout } = await project.emr(...args, '--json')
    return { code, document: JSON.parse(stdout) }
  }
  /** What each command says of it: none may call the environment healthy while another one does not. */
  const verdicts = async () => {
    const [monitor, diagnose, doctor, history] = await Promise.all([
      json('monitor', 'e2e'),
      json('diagnose', 'e2e'),
      json('doctor', 'e2e'),
      json('history', 'e2e'),
    ])
    const findings: { code: string; message: string; advice: string }[] = diagnose.document.findings
    const checks: { id: string; status: string; detail: string; fix?: string }[] = doctor.document.checks
    return {
      health: monitor.document.health,
      monitor: monitor.document.unfinished,
      diagnose: findings.filter(({ code }) => code === 'OPERATION_UNFINISHED'),
      doctor: checks.filter(({ id, status }) => id === 'cluster.operations' && status === 'warning'),
      history: history.document.unfinished,
      codes: [monitor.code, diagnose.code],
    }
  }

  test('that was finished is in order', async () => {
    const found = await verdicts()
    expect(found).toMatchObject({ monitor: [], diagnose: [], doctor: [], history: [], codes: [0, 0] })
  }, 60_000)

  test('because it was killed: all four commands say what runs and how to go on', async () => {
    const deploy = project.start('deploy', 'e2e', '--tag', '1.9.1-slow')
    await seen(deploy, /task-service.*ready in|task-service: 1\.9\.0/)
    await seen(deploy, /api-gateway/)
    deploy.child.kill('SIGKILL')
    await deploy.ended
    const found = await verdicts()
    expect(found.monitor).toMatchObject([
      { operation: 'deploy', state: 'killed', resolve: ['emr deploy e2e --resume', 'emr rollback e2e all'] },
    ])
    expect(found.health).not.toBe('healthy')
    expect(found.history).toEqual(found.monitor)
    const [{ message }] = found.monitor
    expect(message).toMatch(/task-service.* 1\.9\.1-slow/)
    expect(found.diagnose).toMatchObject([
      { message, advice: expect.stringContaining('emr deploy e2e --resume') },
    ])
    expect(found.doctor).toMatchObject([{ detail: message, fix: expect.stringContaining('--resume') }])
    expect(found.codes).toEqual([1, 1])
  }, 90_000)

  test('is not waited for as healthy', async () => {
    const { code } = await project.emr('monitor', 'e2e', '--until', 'healthy', '--timeout', '5s')
    expect(code).toBe(9)
  }, 60_000)

  test('is resolved by going back', async () => {
    const back = await project.emr('rollback', 'e2e', 'all', '--yes')
    expect(back.code, back.stderr).toBe(0)
    const found = await verdicts()
    expect(found).toMatchObject({ monitor: [], diagnose: [], doctor: [], history: [], codes: [0, 0] })
  }, 90_000)

  test('and a version that came by other ways than emr is a finding', async () => {
    const where = ['-n', project.namespaceOf('e2e')]
    const image = 'emr-platform/task-service:3.0.0'
    const set = await project.kubectl(
      'set',
      'image',
      'deployment/task-service',
      `task-service=${image}`,
      ...where,
    )
    expect(set.code, set.stderr).toBe(0)
    const { document } = await json('diagnose', 'e2e')
    const codes = document.findings.map(({ code }: { code: string }) => code)
    expect(codes).toContain('VERSION_UNEXPLAINED')
    const history = await json('history', 'e2e')
    expect(history.document.unexplained).toMatchObject([{ service: 'task-service', version: '3.0.0' }])
  }, 60_000)
})
