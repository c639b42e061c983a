import { chmodSync } from 'node:fs'
import { createServer } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Kubectl } from '../../../../src/lib/adapters/kubectl/kubectl.ts'
import { ProcessRunner } from '../../../../src/lib/process/runner.ts'
import { temporaryFolder } from '../../../support/project.ts'

/** A port of this machine that takes connections until the test ends. */
async function listening(): Promise<number> {
  const server = createServer((socket) => socket.end())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return (server.address() as { port: number }).port
}

/** A port that nobody listens on. */
async function closed(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** A kubectl whose pod is this machine: it runs what stands after `--`, with these secrets mounted. */
function pod(secrets: Record<string, string> = {}): Kubectl {
  const files = Object.fromEntries(Object.entries(secrets).map(([name, value]) => [`secrets/${name}`, value]))
  const folder = temporaryFolder({
    ...files,
    kubectl: `#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nshift\nSECRETS_PATH="$(dirname "$0")/secrets" exec "$@"\n`,
  })
  chmodSync(`${folder}/kubectl`, 0o755)
  const target = { kubeconfig: 'k', context: 'c', namespace: 'n' }
  return new Kubectl({ path: `${folder}/kubectl` }, target, new ProcessRunner())
}

describe('a connection from inside a pod', () => {
  test('to an address', async () => {
    await pod().connectFrom('task-service', `127.0.0.1:${await listening()}`, 2000, {})
  })
  test('to an address whose host and port are files', async () => {
    const secrets = { DATABASE_HOST: '127.0.0.1', DATABASE_PORT: String(await listening()) }
    await pod(secrets).connectFrom('task-service', { files: Object.keys(secrets) }, 2000, {})
  })
  test('to every broker of a list', async () => {
    const [first, second, dead] = await Promise.all([listening(), listening(), closed()])
    const files = { files: ['BROKERS'] }
    const good = { BROKERS: `127.0.0.1:${first},127.0.0.1:${second}` }
    await pod(good).connectFrom('task-service', files, 2000, {})
    const bad = { BROKERS: `127.0.0.1:${first},127.0.0.1:${dead}` }
    await expect(pod(bad).connectFrom('task-service', files, 2000, {})).rejects.toThrow(
      `from task-service: no connection to 127.0.0.1:${dead}`,
    )
  })
  test('a file that is not mounted is named', async () => {
    await expect(pod().connectFrom('task-service', { files: ['NOPE'] }, 2000, {})).rejects.toThrow('NOPE')
  })
})
