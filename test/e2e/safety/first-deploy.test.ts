import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openProject, type Project } from '../project.ts'

describe('where there is nothing to go back to', () => {
  let project: Project
  beforeAll(async () => {
    project = await openProject({ helm: '3', environments: { sandbox: {}, grown: {} } })
  })
  afterAll(() => project?.close())

  test('a first deploy that fails says so; exit 7', async () => {
    const failed = await project.emr('deploy', 'sandbox', '--tag', 'v1-crashloop')
    expect(failed.code).toBe(7)
    expect(failed.stderr).toContain('rollback   none: there is no earlier good state')
    expect(failed.stderr).toContain('task-service: the new pods crash')
    const rollback = await project.emr('rollback', 'sandbox', 'all')
    expect(rollback.code).toBe(4)
    expect(rollback.stderr).toContain('sandbox has no earlier good state to go back to')
  })

  test('a service that was added since the good set is named, and stays', async () => {
    const four = ['task-service', 'emr-service', 'sync-service', 'handover-service'].join(',')
    expect((await project.emr('deploy', 'grown', '--services', four, '--tag', 'v1')).code).toBe(0)
    const failed = await project.emr('deploy', 'grown', '--tag', 'v2', '--tag', 'api-gateway=v2-crashloop')
    expect(failed.code).toBe(6)
    expect(failed.stderr).toMatch(/left +api-gateway: not in that set, so nothing to go back to/)
    const stays = ['deploy', 'grown', '--tag', 'v3', '--tag', 'api-gateway=v3-crashloop', '--no-rollback']
    expect((await project.emr(...stays)).code).toBe(7)
    const dry = await project.emr('rollback', 'grown', 'all', '--dry-run', '--json')
    expect(JSON.parse(dry.stdout)).toMatchObject({ added: ['api-gateway'] })
  })
})
