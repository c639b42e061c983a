import { readFile } from 'node:fs/promises'
import { parse, parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { EmrError, ExitCode } from '../../errors.ts'
import type { Command } from '../../process/command.ts'
import { type Runner, type RunOptions, ToolError } from '../../process/runner.ts'
import type { KubernetesObject } from '../kubernetes/types.ts'
import type { Tool } from '../tools/find.ts'
import { isTransientFailure, retryTransient } from './failures.ts'

export type ReleaseStatus =
  | 'unknown'
  | 'deployed'
  | 'uninstalled'
  | 'superseded'
  | 'failed'
  | 'uninstalling'
  | 'pending-install'
  | 'pending-upgrade'
  | 'pending-rollback'

export interface Release {
  name: string
  revision: number
  status: ReleaseStatus
  /** Epoch milliseconds. */
  updatedAt: number
  description: string
  /** The values that were given, without the chart's defaults. */
  values: Record<string, unknown>
  /** Without hooks. */
  objects: KubernetesObject[]
  hooks: KubernetesObject[]
}

export interface Revision {
  revision: number
  status: ReleaseStatus
  description: string
  /** Epoch milliseconds. */
  updatedAt: number
  chart: string
  appVersion: string
}

/** A chart with everything that decides what it renders to. */
export interface ChartInput {
  release: string
  chart: string
  /** Values files in order. */
  values: string[]
  /** Given as texts, above the files: `image.tag` -> `v2`. */
  set: Record<string, string>
  /**
   * One change of what runs: the values of the release stay (`--reuse-values`), and these come above them, as numbers
   * and truth values where they look like such (`--set`).
   */
  change?: Record<string, string>
}

export interface HelmTarget {
  kubeconfig: string
  context: string
  namespace: string
}

const statusSchema = z.looseObject({
  name: z.string(),
  version: z.number(),
  info: z.looseObject({
    status: z.string(),
    last_deployed: z.string().default(''),
    description: z.string().default(''),
  }),
  config: z.record(z.string(), z.unknown()).nullish(),
  manifest: z.string().default(''),
  hooks: z.array(z.looseObject({ manifest: z.string() })).nullish(),
})

const historySchema = z.array(
  z.looseObject({
    revision: z.number(),
    status: z.string(),
    description: z.string().default(''),
    updated: z.string(),
    chart: z.string(),
    app_version: z.string().default(''),
  }),
)

/** The helm program, majors 3 and 4, bound to one cluster, context and namespace. */
export class Helm {
  readonly #path: string
  readonly #target: HelmTarget
  readonly #runner: Runner
  /**
   * helm 4 applies on the server, where fields that somebody changed by hand are conflicts. The chart wins, as it does
   * with helm 3.
   */
  readonly #writeArgs: string[]

  constructor(tool: Pick<Tool, 'path' | 'version'>, target: HelmTarget, runner: Runner) {
    this.#path = tool.path
    this.#writeArgs = tool.version[0] >= 4 ? ['--server-side=true', '--force-conflicts'] : []
    this.#target = target
    this.#runner = runner
  }

  /** The newest revision of a release, or undefined when there is none. */
  async status(
    release: string,
    options: RunOptions & { revision?: number } = {},
  ): Promise<Release | undefined> {
    const revision = options.revision === undefined ? [] : ['--revision', String(options.revision)]
    const result = await this.#runUnlessMissing(['status', release, ...revision, '--output', 'json'], options)
    if (result === undefined) return undefined
    const parsed = statusSchema.parse(JSON.parse(result))
    return {
      name: parsed.name,
      revision: parsed.version,
      status: parsed.info.status as ReleaseStatus,
      updatedAt: Date.parse(parsed.info.last_deployed) || 0,
      description: parsed.info.description,
      values: parsed.config ?? {},
      objects: parseManifest(parsed.manifest),
      hooks: (parsed.hooks ?? []).flatMap((hook) => parseManifest(hook.manifest)),
    }
  }

  /** Revisions, oldest first; empty when there is no such release. */
  async history(release: string, options: RunOptions = {}): Promise<Revision[]> {
    const text = await this.#runUnlessMissing(
      ['history', release, '--output', 'json', '--max', '256'],
      options,
    )
    return historySchema.parse(JSON.parse(text ?? '[]')).map((entry) => ({
      revision: entry.revision,
      status: entry.status as ReleaseStatus,
      description: entry.description,
      updatedAt: Date.parse(entry.updated) || 0,
      chart: entry.chart,
      appVersion: entry.app_version,
    }))
  }

  /** Renders a chart, as an upgrade would. @param kubeVersion of the cluster, for Capabilities */
  async template(
    input: ChartInput,
    options: RunOptions & { kubeVersion?: string } = {},
  ): Promise<{ objects: KubernetesObject[]; hooks: KubernetesObject[] }> {
    if (input.change) return this.#previewChange(input, options)
    const version = options.kubeVersion === undefined ? [] : ['--kube-version', options.kubeVersion]
    const args = [
      'template',
      ...chartArgs(input),
      '--namespace',
      this.#target.namespace,
      '--is-upgrade',
      ...version,
    ]
    const all = parseManifest(await this.#render(args, input, options))
    return { objects: all.filter((object) => !isHook(object)), hooks: all.filter(isHook) }
  }

  /**
   * Installs or upgrades, without waiting for the roll-out; `timeoutMs` is for hooks.
   * @returns the new revision
   */
  async upgrade(
    input: ChartInput,
    options: RunOptions & { description: string; timeoutMs: number },
  ): Promise<number> {
    const args = [
      ...['upgrade', '--install', ...chartArgs(input), ...this.#targetArgs()],
      ...['--description', options.description, '--timeout', `${Math.ceil(options.timeoutMs / 1000)}s`],
      ...['--history-max', '10', '--output', 'json', ...this.#writeArgs],
    ]
    const { stdout } = await this.#runner.run(this.#command(args, 'write'), options)
    return statusSchema.parse(JSON.parse(stdout)).version
  }

  /** Makes a new revision that equals an earlier one, without waiting for the roll-out. */
  async rollback(
    release: string,
    revision: number,
    options: RunOptions & { timeoutMs: number },
  ): Promise<void> {
    const timeout = ['--timeout', `${Math.ceil(options.timeoutMs / 1000)}s`]
    const args = [
      'rollback',
      release,
      String(revision),
      ...this.#targetArgs(),
      ...timeout,
      ...this.#writeArgs,
    ]
    await this.#runner.run(this.#command(args, 'write'), options)
  }

  /** True where the same command may succeed in a moment: the API server was at fault, not the release. */
  isTransient(error: unknown): boolean {
    return isTransientFailure(error)
  }

  /** True when one of the values files pins the image, so that the files and not the release decide about it. */
  async pinsImage(values: string[]): Promise<boolean> {
    for (const file of values) {
      const { image } = (parse(await readFile(file, 'utf8')) ?? {}) as {
        image?: { tag?: string; digest?: string }
      }
      if (image?.tag || image?.digest) return true
    }
    return false
  }

  /** The values of a release are known to an upgrade only, not to `helm template`. */
  async #previewChange(
    input: ChartInput,
    options: RunOptions,
  ): Promise<{ objects: KubernetesObject[]; hooks: KubernetesObject[] }> {
    const dryRun = ['--dry-run=server', '--output', 'json']
    const args = ['upgrade', ...chartArgs(input), ...this.#targetArgs(), ...dryRun, ...this.#writeArgs]
    const { manifest, hooks } = statusSchema.parse(JSON.parse(await this.#render(args, input, options)))
    return {
      objects: parseManifest(manifest),
      hooks: (hooks ?? []).flatMap((hook) => parseManifest(hook.manifest)),
    }
  }

  async #render(args: string[], { release }: ChartInput, options: RunOptions): Promise<string> {
    try {
      return (await this.#runner.run(this.#command(args, 'read'), options)).stdout
    } catch (error) {
      if (!(error instanceof ToolError)) throw error
      throw new EmrError(`${release}: the chart does not render: ${error.result.stderr.trim()}`, {
        code: 'CHART_INVALID',
        exitCode: ExitCode.preflight,
        cause: error,
      })
    }
  }

  #targetArgs(): string[] {
    const { kubeconfig, context, namespace } = this.#target
    return ['--kubeconfig', kubeconfig, '--kube-context', context, '--namespace', namespace]
  }

  #command(args: string[], effect: Command['effect']): Command {
    return { file: this.#path, args, effect }
  }

  async #runUnlessMissing(args: string[], options: RunOptions): Promise<string | undefined> {
    try {
      const command = this.#command([...args, ...this.#targetArgs()], 'read')
      return (await retryTransient(() => this.#runner.run(command, options), options.signal)).stdout
    } catch (error) {
      if (error instanceof ToolError && /release: not found/.test(error.result.stderr)) return undefined
      throw error
    }
  }
}

function chartArgs({ release, chart, values, set, change }: ChartInput): string[] {
  // helm splits the settings at commas.
  const settings = (flag: string, given: Record<string, string>) =>
    Object.entries(given).flatMap(([key, value]) => [flag, `${key}=${value.replaceAll(',', '\\,')}`])
  return [
    release,
    chart,
    ...values.flatMap((file) => ['--values', file]),
    ...settings('--set-string', set),
    ...(change ? ['--reuse-values', ...settings('--set', change)] : []),
  ]
}

function isHook(object: KubernetesObject): boolean {
  return object.metadata?.annotations?.['helm.sh/hook'] !== undefined
}

/** @throws {EmrError} MANIFEST_INVALID (exit 4) when a chart renders text that is not YAML */
function parseManifest(text: string): KubernetesObject[] {
  const documents = parseAllDocuments(text)
  return documents.flatMap((document) => {
    const [error] = document.errors
    if (error) {
      throw new EmrError(`The chart renders invalid YAML: ${error.message}`, {
        code: 'MANIFEST_INVALID',
        exitCode: ExitCode.preflight,
      })
    }
    const object = document.toJS() as KubernetesObject | null
    return object === null ? [] : [object]
  })
}
