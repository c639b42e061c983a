import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { stringify } from 'yaml'
import type { SandboxSettingsInput } from '../../src/lib/sandbox/settings.ts'
import { type HelmMajor, helmBinary, kubectlBinary } from '../support/binaries.ts'
import { onReal } from './cluster/deviations.ts'
import { openReal, shortenedCharts } from './cluster/real.ts'
import { openSandbox } from './cluster/sandbox.ts'

const root = resolve(import.meta.dirname, '../..')
const program = join(root, 'bin/run.js')

export const SERVICES = ['task-service', 'emr-service', 'sync-service', 'handover-service', 'api-gateway']

const VALUES = ['{chart}/values-development.yaml']

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
  /** Whether the connections to the API server can be disturbed: see Cluster.link. */
  linked?: boolean
  sandbox?: SandboxSettingsInput
}

export type Project = Awaited<ReturnType<typeof openProject>>

/** Commands that ask before they change something, but for in the sandbox. */
const ASKING = new Set(['deploy', 'rollback', 'set', 'scale', 'restart'])

/** A folder with a configuration, and the built emr to run in it, on a cluster: see Cluster. */
export async function openProject({
  helm = '4',
  environments = { e2e: {} },
  services,
  env = {},
  linked = false,
  sandbox = {},
}: ProjectOptions = {}) {
  if (!existsSync(join(root, 'dist/main.cjs'))) throw new Error('emr is not built: npm run build')
  const folder = mkdtempSync(join(tmpdir(), 'emr-e2e-'))
  const unique = folder.slice(-6).toLowerCase()
  const namespaceOf = (name: string) => `emr-platform-e2e-${unique}-${name}`
  const [helmPath, kubectlPath] = await Promise.all([helmBinary(helm), kubectlBinary(helm)])
  // Programs in the project's own bin come before those of the machine.
  const PATH = [join(folder, 'bin'), process.env.PATH].join(delimiter)
  const childEnv = { ...process.env, PATH, CI: '', EMR_HELM: helmPath, EMR_KUBECTL: kubectlPath, ...env }

  const children: ChildProcess[] = []
  /** Starts emr and does not wait; in a process group of its own, as a shell does. */
  const startAs = (...args: string[]): Started => {
    const child = spawn(process.execPath, [program, ...args], {
      cwd: folder,
      env: childEnv,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    children.push(child)
    return { child, ended: collect(child) }
  }
  const open = onReal ? openReal : openSandbox
  const emr = (...args: string[]) => startAs(...args).ended
  const cluster = await open({ folder, unique, linked, sandbox, emr })
  const helmCharts = onReal ? shortenedCharts(folder) : join(root, 'helm')
  const settled = async ([name, settings]: [string, object]) => {
    const namespace = namespaceOf(name)
    const own = await cluster.environment(namespace)
    return [name, { cluster: cluster.settings, namespace, values: VALUES, ...own, ...settings }] as const
  }
  const complete = Object.fromEntries(await Promise.all(Object.entries(environments).map(settled)))
  const configuration = {
    services: services ? inCharts(services, helmCharts) : fiveServices(helmCharts),
    environments: { ...complete, ...(cluster.host && { host: cluster.host }) },
  }
  writeFileSync(join(folder, 'emr.config.yaml'), stringify(configuration))

  /** As `startAs`; says yes where the cluster wants to be asked and a sandbox does not. */
  const start = (...args: string[]): Started => {
    const isAnswered = args.some((word) => /^--(yes|confirm)/.test(word))
    const isAsked = cluster.asks && ASKING.has(args[0] ?? '') && !isAnswered
    return startAs(...args, ...(isAsked ? ['--yes'] : []))
  }
  const flags = (context: string) => ['--kubeconfig', cluster.kubeconfig, context, cluster.context]
  return {
    folder,
    cluster,
    /** The charts that it deploys. */
    charts: helmCharts,
    namespaceOf,
    start,
    startAs,
    emr: (...args: string[]) => start(...args).ended,
    helm: (...args: string[]) => collect(spawn(helmPath, [...flags('--kube-context'), ...args])),
    kubectl: (...args: string[]) => collect(spawn(kubectlPath, [...flags('--context'), ...args])),
    /** Makes the API misbehave; the cluster must have been started. */
    faults: () => cluster.faults(),
    close: async () => {
      // What a test that failed has left: a monitor would wait for its cluster for ever.
      for (const child of children) child.kill('SIGKILL')
      const own = Object.values(complete).map(({ namespace }) => namespace)
      await cluster.close([...new Set(own)])
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

function fiveServices(charts: string): Record<string, object> {
  const names = SERVICES.map((name) => [name, { chart: join(charts, name) }] as const)
  return {
    ...Object.fromEntries(names),
    'api-gateway': { chart: join(charts, 'api-gateway'), needs: SERVICES.slice(0, 4) },
  }
}

/** Those of the platform's charts are taken from where this cluster's are. */
function inCharts(services: Record<string, object>, charts: string): Record<string, object> {
  const text = JSON.stringify(services).replaceAll(`"${join(root, 'helm')}/`, `"${charts}/`)
  return JSON.parse(text)
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
