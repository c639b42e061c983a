import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Deployment } from 'kubernetes-types/apps/v1.js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { KubernetesClient } from '../../../src/lib/adapters/kubernetes/client.ts'
import { loadClusterAccess } from '../../../src/lib/adapters/kubernetes/kubeconfig.ts'
import { resources } from '../../../src/lib/adapters/kubernetes/resources.ts'
import type { KubernetesObject } from '../../../src/lib/adapters/kubernetes/types.ts'
import { ProcessRunner } from '../../../src/lib/process/runner.ts'
import {
  type RunningSandbox,
  resetSandbox,
  sandboxStatus,
  startSandbox,
  stopSandbox,
} from '../../../src/lib/sandbox/lifecycle.ts'
import { deployment, serveCommand, temporaryFolder, until } from './support.ts'

describe('the life of the sandbox', () => {
  let folder: string
  const settings = { speed: 20 }
  const start = () => startSandbox({ folder, command: serveCommand(folder), settings })

  beforeEach(() => {
    folder = temporaryFolder()
  })
  afterEach(async () => {
    await stopSandbox(folder)
    rmSync(folder, { recursive: true, force: true })
  })

  async function clientOf({ kubeconfig, context }: RunningSandbox): Promise<KubernetesClient> {
    return new KubernetesClient(await loadClusterAccess(kubeconfig, context, new ProcessRunner()))
  }
  async function untilDead(pid: number): Promise<void> {
    for (let alive = true; alive; ) {
      await delay(20)
      try {
        process.kill(pid, 0)
      } catch {
        alive = false
      }
    }
  }

  it('starts, with a kubeconfig that only its owner can read', async () => {
    const running = await start()
    expect(running).toMatchObject({
      running: true,
      context: 'emr-sandbox',
      settings: { speed: 20, nodes: 3 },
    })
    expect(statSync(running.kubeconfig).mode & 0o777).toBe(0o600)
    const client = await clientOf(running)
    expect((await client.list(resources.namespaces)).items.length).toBe(4)
    client.close()
  })

  it('finds the one that runs', async () => {
    const first = await start()
    expect(await start()).toEqual(first)
    expect(await sandboxStatus(folder)).toEqual(first)
  })

  it('is one when two start at once', async () => {
    const [first, second, third] = await Promise.all([start(), start(), start()])
    expect(second).toEqual(first)
    expect(third).toEqual(first)
  })

  it('says that it is not running', async () => {
    expect(await sandboxStatus(folder)).toMatchObject({ running: false })
    expect(await stopSandbox(folder)).toBe(false)
  })

  it('keeps everything over a stop and a start, at the same address', async () => {
    const first = await start()
    const client = await clientOf(first)
    await client.create(resources.deployments, deployment('web') as KubernetesObject, {
      namespace: 'default',
    })
    const before = await until<Deployment>(
      client,
      resources.deployments,
      { namespace: 'default', name: 'web' },
      ({ status }) => status?.availableReplicas === 2,
    )
    client.close()
    expect(await stopSandbox(folder)).toBe(true)
    await untilDead(first.pid)
    const second = await start()
    expect(second.pid).not.toBe(first.pid)
    expect([second.server, second.ingress]).toEqual([first.server, first.ingress])
    const again = await clientOf(second)
    const after = await again.get<Deployment>(resources.deployments, 'web', { namespace: 'default' })
    expect(after.metadata?.uid).toBe(before.metadata?.uid)
    const secret: KubernetesObject = { metadata: { name: 's' } }
    const made = await again.create(resources.secrets, secret, { namespace: 'default' })
    expect(Number(made.metadata?.resourceVersion)).toBeGreaterThan(Number(before.metadata?.resourceVersion))
    again.close()
  })

  it('survives kill -9 in the middle of a roll-out, and goes on with it', async () => {
    const first = await start()
    const client = await clientOf(first)
    await client.create(resources.deployments, deployment('web', { replicas: 20 }) as KubernetesObject, {
      namespace: 'default',
    })
    process.kill(first.pid, 'SIGKILL')
    await untilDead(first.pid)
    client.close()
    const again = await clientOf(await start())
    await until<Deployment>(
      again,
      resources.deployments,
      { namespace: 'default', name: 'web' },
      ({ status }) => status?.availableReplicas === 20,
    )
    const pods = await again.list(resources.pods, { namespace: 'default' })
    expect(pods.items.length).toBe(20)
    again.close()
  })

  it('takes another port where its own is taken', async () => {
    const first = await start()
    await stopSandbox(folder)
    await untilDead(first.pid)
    const other = createServer()
    const port = Number(new URL(first.server).port)
    await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve))
    try {
      const second = await start()
      expect(second.server).not.toBe(first.server)
      expect(readFileSync(second.kubeconfig, 'utf8')).toContain(second.server)
    } finally {
      other.close()
    }
  })

  it('does not take a process that has got the old process id for itself', async () => {
    const first = await start()
    process.kill(first.pid, 'SIGKILL')
    await untilDead(first.pid)
    const state = join(folder, 'server.json')
    writeFileSync(state, JSON.stringify({ ...JSON.parse(readFileSync(state, 'utf8')), pid: process.pid }))
    expect(await sandboxStatus(folder)).toMatchObject({ running: false })
    expect(await stopSandbox(folder)).toBe(false)
    expect((await start()).pid).not.toBe(process.pid)
  })

  it('mends half-written files', async () => {
    for (const name of ['server.json', 'credentials.json', 'settings.json', 'journal.jsonl']) {
      writeFileSync(join(folder, name), '{"half":')
    }
    expect((await start()).running).toBe(true)
  })

  it('is found again when its files are damaged while it runs', async () => {
    const running = await start()
    for (const name of ['server.json', 'credentials.json']) writeFileSync(join(folder, name), '')
    expect(await start()).toEqual(running)
    writeFileSync(join(folder, 'server.json'), '{}')
    expect(await stopSandbox(folder)).toBe(true)
  })

  it('has a kubeconfig that can be used at once after it was damaged', async () => {
    const { kubeconfig } = await start()
    const right = readFileSync(kubeconfig, 'utf8')
    for (const damage of [() => writeFileSync(kubeconfig, 'garbage'), () => rmSync(kubeconfig)]) {
      damage()
      await sandboxStatus(folder)
      expect(readFileSync(kubeconfig, 'utf8')).toBe(right)
      expect(statSync(kubeconfig).mode & 0o777).toBe(0o600)
    }
  })

  it('stops when its folder is removed under it', async () => {
    const { pid } = await start()
    rmSync(folder, { recursive: true })
    await untilDead(pid)
  })

  it('says why it could not start', async () => {
    const command: [string, ...string[]] = [
      process.execPath,
      '-e',
      'console.error("no such luck"); process.exit(3)',
    ]
    await expect(startSandbox({ folder, command })).rejects.toMatchObject({
      code: 'SANDBOX_NOT_STARTED',
      message: expect.stringContaining('no such luck'),
    })
  })

  it('stops by itself when idle, but not while somebody watches', async () => {
    const idle = { ...settings, idleMinutes: 0.01 }
    const running = await startSandbox({ folder, command: serveCommand(folder), settings: idle })
    const client = await clientOf(running)
    const abort = new AbortController()
    const watching = client.watch(resources.pods, { signal: abort.signal })
    const ended = watching.next()
    await delay(1_500)
    expect(await sandboxStatus(folder)).toMatchObject({ running: true })
    abort.abort()
    await ended.catch(() => undefined)
    client.close()
    await untilDead(running.pid)
    expect(await sandboxStatus(folder)).toMatchObject({ running: false })
  })

  it('forgets everything on reset', async () => {
    await start()
    await resetSandbox(folder)
    expect(existsSync(folder)).toBe(false)
  })
})
