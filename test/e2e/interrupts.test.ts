import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { commandLine, processesWith } from '../support/processes.ts'
import { openProject, type Project, seen } from './project.ts'

/** A CI system waits this long between asking and SIGKILL. */
const PATIENCE_MS = 10_000

const environments = ['rollout', 'helm', 'twice']
let project: Project
beforeAll(async () => {
  project = await openProject({ environments: Object.fromEntries(environments.map((name) => [name, {}])) })
  await project.cluster.start()
})
afterAll(() => project?.close())

/** helm, kubectl and emr itself, but not the sandbox. */
const children = () =>
  processesWith(project.folder).filter((pid) => !commandLine(pid).includes(' sandbox serve '))

const pending = async (environment: string) => {
  const where = ['-n', project.namespaceOf(environment), '-o', 'name']
  const selector = 'owner=helm,status in (pending-install,pending-upgrade,pending-rollback)'
  return (await project.kubectl('get', 'secrets', '-l', selector, ...where)).stdout
}

describe('Ctrl-C', () => {
  test('while pods are awaited: ends soon, with 130, and says how things stand', async () => {
    const deploy = project.start('deploy', 'rollout', '--tag', '1.0.0-unready')
    await seen(deploy, /0 of \d new pods ready/)
    const before = Date.now()
    deploy.child.kill('SIGINT')
    const { code, stderr } = await deploy.ended
    expect(code).toBe(130)
    expect(Date.now() - before).toBeLessThan(PATIENCE_MS)
    expect(stderr).toContain('The deploy to rollout was interrupted; no release is left pending')
    expect(stderr).toMatch(/interrupted: task-service/)
    expect(children()).toEqual([])
    expect(await pending('rollout')).toBe('')
  })

  test('while helm works: the same, and the next deploy goes on', async () => {
    const faults = project.faults()
    await faults.set({ latencyMs: 150 })
    const deploy = project.start('deploy', 'helm')
    await seen(deploy, /helm upgrade/)
    const before = Date.now()
    deploy.child.kill('SIGINT')
    const { code } = await deploy.ended
    await faults.clear()
    faults.close()
    expect(code).toBe(130)
    expect(Date.now() - before).toBeLessThan(PATIENCE_MS)
    expect(children()).toEqual([])
    expect(await pending('helm')).toBe('')
    expect((await project.emr('deploy', 'helm')).code).toBe(0)
  })

  test('twice: ends at once, and the next deploy cleans up', async () => {
    const faults = project.faults()
    await faults.set({ latencyMs: 400 })
    const deploy = project.start('deploy', 'twice', '--json')
    await seen(deploy, /helm upgrade/)
    deploy.child.kill('SIGINT')
    await delay(100)
    deploy.child.kill('SIGINT')
    const { code, stdout, stderr } = await deploy.ended
    await faults.clear()
    faults.close()
    expect(code).toBe(130)
    expect(JSON.parse(stdout).error.code).toBe('INTERRUPTED')
    expect(stderr).toContain('Stopped at once; the next run cleans up.')
    expect((await project.emr('deploy', 'twice')).code).toBe(0)
  })
})
