import { join } from 'node:path'
import { execa } from 'execa'
import { type HelmMajor, helmBinary } from '../support/binaries.ts'
import { type Environment, helmFolder, type Service } from './charts.ts'
import { type Kubernetes, parseObjects } from './objects.ts'

/** One chart as it would be installed in one environment. */
export interface Release {
  service: Service
  environment: string
  /** The rendering as helm prints it. */
  text: string
  objects: Kubernetes[]
}

export interface RenderRequest {
  service: Service
  environment: string
  major?: HelmMajor
  /** Further arguments of helm, such as `--set`. Default: the values file of the environment. */
  args?: readonly string[]
  /** Folder of the charts. Default: helm/ of this repository. */
  charts?: string
}

/** The values file of an environment, as arguments of helm. */
export function environmentFile(service: Service, environment: string, charts = helmFolder): string[] {
  return ['--values', join(charts, service, `values-${environment}.yaml`)]
}

/** Renders a chart without a cluster; throws with helm's message when it refuses. */
export async function render(request: RenderRequest): Promise<Release> {
  const { service, environment, charts = helmFolder } = request
  const args = request.args ?? environmentFile(service, environment, charts)
  const command = ['template', service, join(charts, service), '--namespace', `emr-platform-${environment}`]
  const text = await helm(request.major ?? '4', [...command, ...args])
  return { service, environment, text, objects: parseObjects(text) }
}

/** Runs helm and returns what it prints; throws with its message when it fails. */
export async function helm(major: HelmMajor, args: readonly string[]): Promise<string> {
  const { stdout } = await execa(await helmBinary(major), args)
  return stdout
}

const shared = new Map<string, Promise<Release>>()

/** The plain rendering of a chart in an environment; each is made once per test file. */
export function release(
  service: Service,
  environment: Environment,
  major: HelmMajor = '4',
): Promise<Release> {
  const key = `${major}/${environment}/${service}`
  const made = shared.get(key) ?? render({ service, environment, major })
  shared.set(key, made)
  return made
}
