import { readFile } from 'node:fs/promises'
import { EmrError, ExitCode } from '../../errors.ts'
import type { Command } from '../../process/command.ts'
import { type Runner, type RunOptions, ToolError } from '../../process/runner.ts'
import { yamlDocuments } from '../../yaml.ts'
import type { Tool } from '../tools/find.ts'
import { isTransientFailure, retryTransient } from './failures.ts'
import {
  parseHistory,
  parseRelease,
  parseRendered,
  parseRevision,
  type Release,
  type Rendered,
  type Revision,
} from './release.ts'

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
    return result === undefined ? undefined : parseRelease(result)
  }

  /** Revisions, oldest first; empty when there is no such release. */
  async history(release: string, options: RunOptions = {}): Promise<Revision[]> {
    const text = await this.#runUnlessMissing(
      ['history', release, '--output', 'json', '--max', '256'],
      options,
    )
    return parseHistory(text ?? '[]')
  }

  /** Renders a chart, as an upgrade would. @param kubeVersion of the cluster, for Capabilities */
  async template(input: ChartInput, options: RunOptions & { kubeVersion?: string } = {}): Promise<Rendered> {
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
    return parseRendered(await this.#render(args, input, options))
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
    return parseRevision(stdout)
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
  async pinsImage(files: string[]): Promise<boolean> {
    for (const file of files) {
      const [values] = yamlDocuments(await readFile(file, 'utf8'))
      const { image } = (values ?? {}) as {
        image?: { tag?: string; digest?: string }
      }
      if (image?.tag || image?.digest) return true
    }
    return false
  }

  /** The values of a release are known to an upgrade only, not to `helm template`. */
  async #previewChange(input: ChartInput, options: RunOptions): Promise<Rendered> {
    const dryRun = ['--dry-run=server', '--output', 'json']
    const args = ['upgrade', ...chartArgs(input), ...this.#targetArgs(), ...dryRun, ...this.#writeArgs]
    const { objects, hooks } = parseRelease(await this.#render(args, input, options))
    return { objects, hooks }
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
  const settings = (flag: string, given: Record<string, string>) =>
    Object.entries(given).flatMap(([key, value]) => [flag, `${key}=${value}`])
  // helm splits the settings at commas; those of a change are in its language already.
  const literal = Object.entries(set).map(([key, value]) => [key, value.replaceAll(/[\\,]/g, '\\$&')])
  return [
    release,
    chart,
    ...values.flatMap((file) => ['--values', listItem(file)]),
    ...settings('--set-string', Object.fromEntries(literal)),
    ...(change ? ['--reuse-values', ...settings('--set', change)] : []),
  ]
}

/** helm reads --values as a line of CSV. */
function listItem(file: string): string {
  return /[",\n]/.test(file) ? `"${file.replaceAll('"', '""')}"` : file
}
