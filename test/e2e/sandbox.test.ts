import { statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isRunning } from '../support/processes.ts'
import { sandboxOnly } from './cluster/deviations.ts'
import { openProject, type Project, SERVICES } from './project.ts'

describe('emr sandbox', sandboxOnly('sandbox-commands'), () => {
  let project: Project
  beforeAll(async () => {
    project = await openProject()
  })
  afterAll(() => project.close())

  const status = async () => JSON.parse((await project.emr('sandbox', 'status', '--json')).stdout)

  test('is not there before it is asked for', async () => {
    const { code, stdout } = await project.emr('sandbox', 'status')
    expect(stdout).toMatch(/The sandbox does not run; start it with: emr sandbox start/)
    expect(code).toBe(0)
  })

  test('is started by a deploy, and answers at its ingress as the gateway would', async () => {
    expect((await project.emr('deploy', 'e2e')).code).toBe(0)
    const found = await status()
    expect(found).toMatchObject({
      running: true,
      context: 'emr-sandbox',
      server: expect.stringMatching(/^https:\/\/127\.0\.0\.1:\d+$/),
      helm: expect.stringContaining('helm'),
      kubectl: expect.stringContaining('kubectl'),
    })
    expect(isRunning(found.pid)).toBe(true)
    expect(statSync(found.kubeconfig).mode & 0o777).toBe(0o600)
    for (const service of SERVICES) {
      const answer = await fetch(`${found.ingress}/api/${service}`)
      expect(answer.status).toBe(200)
      expect(await answer.json()).toMatchObject({ status: 'ok', service, version: '1.0.0' })
    }
    expect((await fetch(`${found.ingress}/health`)).status).toBe(200)
  })

  test('keeps what is in it over a stop', async () => {
    const before = await status()
    expect((await project.emr('sandbox', 'stop')).stdout).toContain(
      'The sandbox has stopped; what is in it stays.',
    )
    expect(isRunning(before.pid)).toBe(false)
    expect(await status()).toEqual(expect.objectContaining({ running: false }))
    const { stdout } = await project.emr('deploy', 'e2e')
    expect(stdout).toContain('nothing to change, 5 services ready')
    expect((await status()).server).toBe(before.server)
  })

  test('is empty after a reset', async () => {
    await project.emr('sandbox', 'reset')
    await project.emr('sandbox', 'start')
    const { stdout } = await project.helm('list', '--all-namespaces', '--output', 'json')
    expect(JSON.parse(stdout)).toEqual([])
    expect(statSync(join(project.folder, '.emr/sandbox')).mode & 0o777).toBe(0o700)
  })
})
