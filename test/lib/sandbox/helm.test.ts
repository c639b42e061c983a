import { join } from 'node:path'
import type { Deployment } from 'kubernetes-types/apps/v1.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { resources } from '../../../src/lib/adapters/kubernetes/resources.ts'
import { startTestSandbox, type TestSandbox } from './support.ts'

const chart = join(import.meta.dirname, 'fixtures/web')

/** The life of a release with the real helm, in both major versions. */
describe.each(['helm3', 'helm4'] as const)('%s', (major) => {
  let sandbox: TestSandbox
  const namespace = `${major}-test`

  async function helm(...args: string[]) {
    return sandbox[major]([...args, '--namespace', namespace])
  }
  async function releases() {
    const { stdout } = await helm('history', 'web', '-o', 'json')
    return (JSON.parse(stdout) as { revision: number; status: string }[]).map(({ status }) => status)
  }
  async function live() {
    return sandbox.client.get<Deployment>(resources.deployments, 'web', { namespace })
  }

  beforeAll(async () => {
    sandbox = await startTestSandbox()
  })
  afterAll(() => sandbox.stop())

  it('refuses a namespace that is not there', async () => {
    const { code, stderr } = await helm('install', 'web', chart)
    expect(code).toBe(1)
    expect(stderr).toContain(`namespaces "${namespace}" not found`)
  })

  it('installs and waits for the pods', async () => {
    await sandbox.kubectl(['create', 'namespace', namespace])
    const { code, stderr } = await helm('upgrade', '--install', 'web', chart, '--wait', '--timeout', '30s')
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect((await live()).status?.availableReplicas).toBe(2)
  })

  it('lists the release', async () => {
    const { stdout } = await helm('list', '-o', 'json')
    expect(JSON.parse(stdout)).toMatchObject([{ name: 'web', revision: '1', status: 'deployed' }])
    expect((await helm('get', 'manifest', 'web')).stdout).toContain('kind: ExternalSecret')
    expect(JSON.parse((await helm('get', 'values', 'web', '--all', '-o', 'json')).stdout).rateLimit).toBe(100)
  })

  it('changes nothing in the objects when an upgrade changes nothing', async () => {
    const before = await live()
    expect((await helm('upgrade', '--install', 'web', chart, '--wait')).code).toBe(0)
    const after = await live()
    expect(after.metadata?.generation).toBe(before.metadata?.generation)
    expect(after.metadata?.resourceVersion).toBe(before.metadata?.resourceVersion)
  })

  it('rolls a change out', async () => {
    const change = ['--set', 'tag=v2', '--set', 'rateLimit=200', '--set', 'replicas=3']
    const { code, stderr } = await helm('upgrade', 'web', chart, ...change, '--wait', '--timeout', '30s')
    expect(stderr).toBe('')
    expect(code).toBe(0)
    const { spec, status } = await live()
    expect(spec?.template.spec?.containers[0]?.image).toBe('registry.example.com/web:v2')
    expect(status?.updatedReplicas).toBe(3)
  })

  it('keeps values with --reuse-values', async () => {
    expect(
      (await helm('upgrade', 'web', chart, '--reuse-values', '--set', 'rateLimit=300', '--wait')).code,
    ).toBe(0)
    expect((await live()).spec?.template.spec?.containers[0]?.image).toBe('registry.example.com/web:v2')
  })

  it('fails when the pods do not get ready', async () => {
    const { code } = await helm(
      'upgrade',
      'web',
      chart,
      '--set',
      'tag=v3-unready',
      '--wait',
      '--timeout',
      '3s',
    )
    expect(code).toBe(1)
    expect(await releases()).toEqual(['superseded', 'superseded', 'superseded', 'deployed', 'failed'])
  })

  it('rolls back', async () => {
    const { code, stderr } = await helm('rollback', 'web', '1', '--wait', '--timeout', '30s')
    expect(stderr).toBe('')
    expect(code).toBe(0)
    const { spec } = await live()
    expect(spec?.replicas).toBe(2)
    expect(spec?.template.spec?.containers[0]?.image).toBe('registry.example.com/web:v1')
  })

  it('runs hooks before the upgrade, and stops at a failing one', async () => {
    expect((await helm('upgrade', 'web', chart, '--set', 'hook=v1', '--timeout', '30s')).code).toBe(0)
    const failed = await helm('upgrade', 'web', chart, '--set', 'hook=v1-fail', '--timeout', '30s')
    expect(failed.code).toBe(1)
    expect(failed.stderr).toMatch(/pre-upgrade hooks failed|BackoffLimitExceeded/)
  })

  it('runs the test pod and shows its log', async () => {
    const { code, stdout } = await helm('test', 'web', '--logs', '--timeout', '30s')
    expect(stdout).toContain('"msg":"job done"')
    expect(code).toBe(0)
  })

  it('uninstalls', async () => {
    expect((await helm('uninstall', 'web', '--wait', '--timeout', '30s')).code).toBe(0)
    const { stdout } = await sandbox.kubectl(['get', 'deploy,svc,ingress,es', '-n', namespace, '-o', 'name'])
    expect(stdout).toBe('')
    expect(JSON.parse((await helm('list', '-o', 'json')).stdout)).toEqual([])
  })
})
