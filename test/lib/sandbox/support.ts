import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KubernetesClient } from '../../../src/lib/adapters/kubernetes/client.ts'
import { loadClusterAccess } from '../../../src/lib/adapters/kubernetes/kubeconfig.ts'
import type { KubernetesObject, ResourceType } from '../../../src/lib/adapters/kubernetes/types.ts'
import { ProcessRunner } from '../../../src/lib/process/runner.ts'
import { type RunningSandbox, startSandbox, stopSandbox } from '../../../src/lib/sandbox/lifecycle.ts'
import type { SandboxSettingsInput } from '../../../src/lib/sandbox/settings.ts'
import { helmBinary, kubectlBinary } from '../../support/binaries.ts'

const entry = join(import.meta.dirname, 'serve-entry.ts')

export function serveCommand(folder: string): [string, ...string[]] {
  return [process.execPath, entry, folder]
}

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'emr-sandbox-'))
}

interface Ran {
  code: number
  stdout: string
  stderr: string
}

/** Runs a program to its end; never throws for its exit code. */
async function run(file: string, args: string[], options: { stdin?: string } = {}): Promise<Ran> {
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text
  })
  child.stdin.end(options.stdin ?? '')
  const code = await new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status) => resolve(status ?? -1))
  })
  return { code, stdout, stderr }
}

export interface TestSandbox {
  folder: string
  status: RunningSandbox
  client: KubernetesClient
  kubectl: (args: string[], stdin?: string) => Promise<Ran>
  kubectl32: (args: string[], stdin?: string) => Promise<Ran>
  helm3: (args: string[]) => Promise<Ran>
  helm4: (args: string[]) => Promise<Ran>
  /** A kubectl that runs on, for `-w` and `-f`; ended with the sandbox at the latest. */
  follow: (args: string[]) => { process: ChildProcess; line: (pattern: RegExp) => Promise<string> }
  stop: () => Promise<void>
}

/** A sandbox of its own in a temporary folder; twenty times as fast as the clock unless told otherwise. */
export async function startTestSandbox(settings: SandboxSettingsInput = {}): Promise<TestSandbox> {
  const folder = temporaryFolder()
  const [helm3, helm4, kubectl32, kubectl34, status] = await Promise.all([
    helmBinary('3'),
    helmBinary('4'),
    kubectlBinary('3'),
    kubectlBinary('4'),
    startSandbox({ folder, command: serveCommand(folder), settings: { speed: 20, ...settings } }),
  ])
  const access = await loadClusterAccess(status.kubeconfig, status.context, new ProcessRunner())
  const client = new KubernetesClient(access)
  const where = ['--kubeconfig', status.kubeconfig]
  const kubectl = (file: string) => (args: string[], stdin?: string) =>
    run(file, [...where, ...args], stdin === undefined ? {} : { stdin })
  const children: ChildProcess[] = []
  return {
    folder,
    status,
    client,
    kubectl: kubectl(kubectl34),
    kubectl32: kubectl(kubectl32),
    helm3: (args) => run(helm3, [...where, ...args]),
    helm4: (args) => run(helm4, [...where, ...args]),
    follow: (args) => {
      const child = spawn(kubectl34, [...where, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
      children.push(child)
      return { process: child, line: lineOf(child) }
    },
    stop: async () => {
      for (const child of children) child.kill()
      client.close()
      await stopSandbox(folder)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Settles with the first line, past or future, that matches. */
function lineOf(child: ChildProcess): (pattern: RegExp) => Promise<string> {
  let text = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk) => {
    text += chunk
  })
  return (pattern) =>
    new Promise((resolve, reject) => {
      const look = () => {
        const line = text.split('\n').find((candidate) => pattern.test(candidate))
        if (line !== undefined) resolve(line)
      }
      child.stdout?.on('data', look)
      child.on('close', () => reject(new Error(`ended without ${pattern}:\n${text}`)))
      look()
    })
}

/** Watches a collection until an object satisfies the condition. */
export async function until<T extends KubernetesObject>(
  client: KubernetesClient,
  type: ResourceType,
  options: { namespace?: string; name?: string; labelSelector?: string },
  condition: (object: T) => boolean,
  timeoutMs = 20_000,
): Promise<T> {
  const { name, ...rest } = options
  const signal = AbortSignal.timeout(timeoutMs)
  let last: T | undefined
  try {
    for await (const { type: change, object } of client.watch<T>(type, {
      ...rest,
      ...(name === undefined ? {} : { fieldSelector: `metadata.name=${name}` }),
      signal,
    })) {
      if (change === 'DELETED') continue
      last = object
      if (condition(object)) return object
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
  throw new Error(`${type.kind} ${name ?? ''} did not get there; last seen: ${JSON.stringify(last)}`)
}

/** Watches until the named object is gone. */
export async function untilGone(
  client: KubernetesClient,
  type: ResourceType,
  options: { namespace?: string; name: string },
): Promise<void> {
  const { namespace, name } = options
  const selection = { namespace, fieldSelector: `metadata.name=${name}` }
  const { items, metadata } = await client.list(type, selection)
  if (items.length === 0) return
  const signal = AbortSignal.timeout(20_000)
  const events = client.watch(type, { ...selection, resourceVersion: metadata.resourceVersion, signal })
  for await (const event of events) if (event.type === 'DELETED') return
}

/** A Deployment with one container, as small as one can be. */
export function deployment(
  name: string,
  options: { image?: string; replicas?: number; probe?: boolean } = {},
) {
  const { image = 'registry.example.com/web:v1', replicas = 2, probe = true } = options
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          containers: [
            {
              name: 'app',
              image,
              ports: [{ containerPort: 8080, name: 'http' }],
              resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { memory: '128Mi' } },
              ...(probe
                ? { readinessProbe: { httpGet: { path: '/health/ready', port: 'http' }, periodSeconds: 5 } }
                : {}),
            },
          ],
        },
      },
    },
  }
}
