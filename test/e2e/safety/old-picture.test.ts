import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { jsonLines, openProject, type Project, seen } from '../project.ts'

/** Longer than any answer may take, and than the pods of a slow tag. */
const FROZEN_MS = 15_000

describe('the connection to the API server stays open and says nothing', () => {
  let project: Project
  let proxy: Project['cluster']['link']
  beforeAll(async () => {
    project = await openProject({ environments: { proxied: {}, watched: {} }, linked: true })
    await project.cluster.start()
    proxy = project.cluster.link
    for (const name of ['proxied', 'watched']) {
      const { code, stderr } = await project.emr('deploy', name, '--tag', 'v1', '--skip-smoke-tests', '--yes')
      expect(code, stderr).toBe(0)
    }
  })
  afterAll(async () => {
    await project?.close()
  })

  test('a deploy says so, and judges by what it sees afterwards', async () => {
    const deploy = project.start('deploy', 'proxied', '--tag', 'v2-slow', '--skip-smoke-tests', '--yes')
    const silent = seen(deploy, /no news from the cluster/)
    await seen(deploy, /task-service \d of \d new pods ready/)
    proxy.freeze()
    setTimeout(() => proxy.thaw(), FROZEN_MS)
    await silent
    const { code, stderr } = await deploy.ended
    expect(code, stderr).toBe(0)
  })

  test('a monitor never says healthy, and when it last heard anything', async () => {
    const monitor = project.start('monitor', 'watched', '--watch', '--output', 'ndjson')
    const events = jsonLines<{ type: string; name?: string; after?: string; health?: string }>(monitor)
    const told = (name: string) => events.findLast((event) => event.name === name)?.after
    await expect.poll(() => events.length, { timeout: 20_000 }).toBeGreaterThan(0)
    proxy.freeze()
    await expect.poll(() => told('watched'), { timeout: 12_000 }).toBe('unknown')
    expect(told('API server')).toMatch(/^silent, last contact 2\S+Z$/)
    proxy.thaw()
    await expect.poll(() => told('watched'), { timeout: 12_000 }).toBe('healthy')
    expect(told('API server')).toBe('ok')
    monitor.child.kill('SIGINT')
    await monitor.ended
  })

  test('a monitor that looks once does not wait for ever, and its exit code is that of the unknown', async () => {
    proxy.freeze()
    const { code, stdout } = await project.emr('monitor', 'watched')
    proxy.thaw()
    expect(code).toBe(4)
    expect(stdout).toContain('no contact with the API server yet')
    expect(stdout).not.toContain('healthy')
  })
})
