import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { stringify } from 'yaml'
import { injectFaults } from '../../src/lib/sandbox/fault-injection.ts'
import { type HelmMajor, helmBinary, kubectlBinary } from '../support/binaries.ts'

const root = resolve(import.meta.dirname, '../..')
const program = join(root, 'bin/run.js')

/**
 * `KUBECONFIG-FILE:CONTEXT` of another cluster to run this suite on, instead of the sandbox. It must serve the
 * ExternalSecret kind and be able to pull the images of the charts' values; namespaces `emr-platform-e2e-…` are made in
 * it, and removed. What only the sandbox can do wrong on demand is left out there.
 */
const [otherKubeconfig, otherContext] = (process.env.EMR_E2E_CLUSTER ?? '').split(/:(.*)/s)
export const onSandbox = !otherKubeconfig

export const SERVICES = ['task-service', 'emr-service', 'sync-service', 'handover-service', 'api-gateway']

export interface Ran {
  code: number
  stdout: string
  stderr: string
}

export interface ProjectOptions {
  helm?: HelmMajor
  /** Environments by name; each in a namespace of its own on the same cluster. */
  environments?: Record<string, object>
  /** Charts by service; default the five of helm/. */
  services?: Record<string, object>
  env?: NodeJS.ProcessEnv
}

export type Project = Awaited<ReturnType<typeof openProject>>

/** Seconds of the sandbox's time per second. Faster, and the charts' deadlines would pass on a busy machine. */
export const SPEED = 20

/** A folder with a configuration, and the built emr to run in it, on a sandbox of its own. */
export async function openProject({
  helm = '4',
  environments = { e2e: {} },
  services,
  env = {},
}: ProjectOptions = {}) {
  if (!existsSync(join(root, 'dist/main.cjs'))) throw new Error('emr is not built: npm run build')
  const folder = mkdtempSync(join(tmpdir(), 'emr-e2e-'))
  const unique = folder.slice(-6).toLowerCase()
  const cluster = onSandbox
    ? { sandbox: { speed: SPEED } }
    : { kubeconfig: resolve(otherKubeconfig ?? ''), context: otherContext }
  const namespaceOf = (name: string) => `emr-platform-e2e-${unique}-${name}`
  const complete = Object.entries(environments).map(([name, settings]) => [
    name,
    { cluster, namespace: namespaceOf(name), values: [`{chart}/values-development.yaml`], ...settings },
  ])
  const configuration = { services: services ?? fiveServices(), environments: Object.fromEntries(complete) }
  writeFileSync(join(folder, 'emr.config.yaml'), stringify(configuration))
  const [helmPath, kubectlPath] = await Promise.all([helmBinary(helm), kubectlBinary(helm)])
  const where = onSandbox
    ? ['--kubeconfig', join(folder, '.emr/sandbox/kubeconfig')]
    : ['--kubeconfig', resolve(otherKubeconfig ?? ''), '--context', otherContext ?? '']
  // Programs in the project's own bin come before those of the machine.
  const PATH = [join(folder, 'bin'), process.env.PATH].join(delimiter)
  const childEnv = { ...process.env, PATH, CI: '', EMR_HELM: helmPath, EMR_KUBECTL: kubectlPath, ...env }

  const children: ChildProcess[] = []
  /** Starts emr and does not wait; in a process group of its own, as a shell does. */
  const start = (...args: string[]): Started => {
    const child = spawn(process.execPath, [program, ...args], {
      cwd: folder,
      env: childEnv,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    children.push(child)
    return { child, ended: collect(child) }
  }
  const kubectl = (...args: string[]) => collect(spawn(kubectlPath, [...where, ...args]))
  return {
    folder,
    namespaceOf,
    start,
    emr: (...args: string[]) => start(...args).ended,
    helm: (...args: string[]) =>
      collect(spawn(helmPath, [...(onSandbox ? where : kubeFlags(where)), ...args])),
    kubectl,
    /** Tells the sandbox's API to misbehave; it must run. */
    faults: () => injectFaults(join(folder, '.emr/sandbox')),
    close: async () => {
      // What a test that failed has left: a monitor would wait for its cluster for ever.
      for (const child of children) child.kill('SIGKILL')
      if (onSandbox) await start('sandbox', 'stop').ended
      else
        await kubectl(
          'delete',
          'namespace',
          '--ignore-not-found',
          ...Object.keys(environments).map(namespaceOf),
        )
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export interface Started {
  child: ChildProcess
  ended: Promise<Ran>
}

/** Waits for a line on stderr, past or future, that matches. */
export function seen({ child }: Started, pattern: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stderr?.on('data', (chunk) => {
      text += chunk
      if (pattern.test(text)) resolve()
    })
    child.on('close', () => reject(new Error(`ended without ${pattern}:\n${text}`)))
  })
}

/** The documents that it prints, one a line: a list that grows while it runs. */
export function jsonLines<T>({ child }: Started): T[] {
  const found: T[] = []
  let rest = ''
  child.stdout?.on('data', (chunk) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) found.push(JSON.parse(line))
  })
  return found
}

function fiveServices(): Record<string, object> {
  const names = SERVICES.map((name) => [name, { chart: join(root, 'helm', name) }] as const)
  return {
    ...Object.fromEntries(names),
    'api-gateway': { chart: join(root, 'helm/api-gateway'), needs: SERVICES.slice(0, 4) },
  }
}

function kubeFlags([, kubeconfig = '', , context = '']: string[]): string[] {
  return ['--kubeconfig', kubeconfig, '--kube-context', context]
}

async function collect(child: ChildProcess): Promise<Ran> {
  const texts = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text) => {
      texts[name] += text
    })
  }
  const code = await new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status) => resolve(status ?? -1))
  })
  return { code, ...texts }
}
