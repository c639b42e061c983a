import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openProject, type Project, seen } from '../project.ts'

describe('the API server goes away', () => {
  let project: Project
  beforeAll(async () => {
    project = await openProject({ environments: { silent: {}, back: {}, resumed: {} } })
    for (const name of ['silent', 'back', 'resumed']) {
      // The way back to the first is slow, so that something can happen on it.
      for (const tag of ['v1-slow', 'v2'])
        expect((await project.emr('deploy', name, '--tag', tag)).code).toBe(0)
    }
  })
  afterAll(() => project?.close())

  test('for seconds during a deploy: it waits, goes on, and all is on record', async () => {
    const deploy = project.start('deploy', 'silent', '--tag', 'v3-slow')
    await seen(deploy, /\d of \d new pods ready/)
    const faults = project.faults()
    await faults.silence(4)
    faults.close()
    const { code, stderr } = await deploy.ended
    expect(code, stderr).toBe(0)
    const { stdout } = await project.emr('history', 'silent', '--verify', '--json')
    expect(JSON.parse(stdout)).toMatchObject({
      lock: null,
      sets: [{ outcome: 'ready' }, {}, {}],
      audit: { problems: [] },
    })
  })

  test('for seconds during a rollback', async () => {
    const rollback = project.start('rollback', 'back', 'all')
    await seen(rollback, /api-gateway \d of \d new pods ready/)
    const faults = project.faults()
    await faults.silence(4)
    faults.close()
    const { code, stderr } = await rollback.ended
    expect(code, stderr).toBe(0)
    expect((await project.emr('history', 'back', '--verify')).stdout).toContain('unbroken')
  })

  test('and the process with it: --resume takes up what it was asked to do', async () => {
    const deploy = project.start('deploy', 'resumed', '--tag', 'v3', '--tag', 'sync-service=v4-slow')
    await seen(deploy, /\d of \d new pods ready/)
    deploy.child.kill('SIGKILL')
    await deploy.ended
    const resumed = await project.emr('deploy', 'resumed', '--resume')
    expect(resumed.code, resumed.stderr).toBe(0)
    const { stdout } = await project.emr('history', 'resumed', '--json')
    const [set, cutOff] = JSON.parse(stdout).sets
    expect(cutOff.outcome).toBe('abandoned')
    expect(set.request).toEqual(cutOff.request)
    expect(set.services['sync-service'].after.image).toMatch(/:v4-slow$/)
    const again = await project.emr('deploy', 'resumed', '--resume')
    expect(again.code).toBe(4)
    expect(again.stderr).toContain('There is nothing to resume in resumed')
  })
})
