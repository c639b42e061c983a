import { resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openProject, type Project } from './project.ts'

const FOLLOWED = ['e2e', '--services', 'task-service', '--skip-smoke-tests']

const chart = resolve(import.meta.dirname, '../../helm/task-service')

let project: Project
beforeAll(async () => {
  project = await openProject({ services: { 'task-service': { chart } } })
  expect((await project.emr('deploy', ...FOLLOWED, '--tag', '1.0.0')).code).toBe(0)
}, 120_000)
afterAll(() => project.close())

const kubectl = (...args: string[]) => project.kubectl('--namespace', project.namespaceOf('e2e'), ...args)
const running = async () => {
  const { stdout } = await kubectl('get', 'pods', '--output', 'jsonpath={.items[*].spec.containers[0].image}')
  return [...new Set(stdout.split(' ').map((image) => image.split(':').at(-1)))].sort()
}

test('a paused rollout: refused with what resumes it, which works as typed; a restart is, too', async () => {
  await kubectl('rollout', 'pause', 'deployment/task-service')
  const refused = await project.emr('deploy', ...FOLLOWED, '--tag', '1.0.1')
  expect(refused.code).toBe(4)
  expect(refused.stderr).toContain('the rollout of task-service is paused; resume it: kubectl --kubeconfig ')
  const restart = await project.emr('restart', 'e2e', 'task-service')
  expect([restart.code, restart.stderr]).toEqual([4, expect.stringContaining('rollout resume deployment/')])
  expect(await running()).toEqual(['1.0.0'])
  const [, command = ''] = /resume it: kubectl (.*)/.exec(refused.stderr) ?? []
  expect((await project.kubectl(...command.split(' '))).code).toBe(0)
  expect((await project.emr('deploy', ...FOLLOWED, '--tag', '1.0.1')).code).toBe(0)
  expect(await running()).toEqual(['1.0.1'])
}, 120_000)

test('what runs already is not waited for, though its rollout is paused', async () => {
  await kubectl('rollout', 'pause', 'deployment/task-service')
  const { code, stdout, stderr } = await project.emr('deploy', ...FOLLOWED)
  expect([code, stdout + stderr]).toEqual([0, expect.stringContaining('is paused')])
  await kubectl('rollout', 'resume', 'deployment/task-service')
}, 120_000)

test('a pod that was evicted is replaced: a note, no outage, and no verdict of the next deploy', async () => {
  const { stdout } = await kubectl('get', 'pods', '--output', 'name')
  const [pod = ''] = stdout.split('\n')
  const status = { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' }
  const patch = JSON.stringify({ status: { ...status, conditions: [{ type: 'Ready', status: 'False' }] } })
  await kubectl('patch', pod, '--subresource', 'status', '--type', 'merge', '--patch', patch)
  const healthy = await project.emr('monitor', 'e2e', '--until', 'healthy', '--timeout', '60s')
  expect([healthy.code, healthy.stderr]).toEqual([0, ''])
  const seen = await project.emr('monitor', 'e2e', '--json')
  const picture = JSON.parse(seen.stdout)
  // The autoscaler may have added one while only one was there.
  expect(picture.pods.ready).toBe(picture.pods.total)
  expect(picture).toMatchObject({
    health: 'healthy',
    troubled: [{ pod: pod.replace('pod/', ''), reason: 'Evicted', problem: false }],
  })
  const diagnosis = JSON.parse((await project.emr('diagnose', 'e2e', '--json')).stdout)
  expect(diagnosis).toMatchObject({ health: 'healthy', findings: [{ code: 'EVICTED', severity: 'warning' }] })
  expect((await project.emr('deploy', ...FOLLOWED, '--tag', '1.0.2')).code).toBe(0)
}, 120_000)
