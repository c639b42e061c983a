import { mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { AwsAccount, Infrastructure } from '../../domain/environment.ts'
import type { TerraformPlan } from '../../domain/terraform/plan.ts'
import { EmrError, ExitCode, InterruptedError } from '../../errors.ts'
import { foreignJson } from '../../foreign.ts'
import { type Command, type CommandResult, commandLine } from '../../process/command.ts'
import { type Runner, type RunOptions, ToolError } from '../../process/runner.ts'
import { type Diagnostic, parseEvent, type TerraformEvent } from './events.ts'
import { terraformError } from './failures.ts'
import { parsePlan } from './plan-json.ts'

export interface TerraformTarget {
  infrastructure: Infrastructure
  aws: AwsAccount
  /** Where terraform keeps provider and backend of this environment, away from those of other environments. */
  dataFolder: string
}

export type PlanMode = 'apply' | 'destroy' | 'refresh-only'

export interface Output {
  value: unknown
  sensitive: boolean
}

export interface ProgressOptions extends RunOptions {
  onEvent?: (event: TerraformEvent) => void
}

const outputsSchema = z.record(
  z.string(),
  z.looseObject({ value: z.unknown(), sensitive: z.boolean().default(false) }),
)

/** A provider in the middle of creating a database ends only when AWS answers; killed, it would lose the answer. */
const APPLY_GRACE_MS = 60 * 60_000
const READ_GRACE_MS = 60_000

/** The terraform program, bound to one module, account, backend and workspace. */
export class Terraform {
  readonly #tool: { path: string; version: readonly [number, number, number] }
  readonly #target: TerraformTarget
  readonly #runner: Runner

  constructor(
    tool: { path: string; version: readonly [number, number, number] },
    target: TerraformTarget,
    runner: Runner,
  ) {
    this.#tool = tool
    this.#target = target
    this.#runner = runner
  }

  /** Fetches the provider that the lock file names, and binds the module to its backend. */
  async init(options: RunOptions = {}): Promise<void> {
    const { backend } = this.#target.infrastructure
    const [major, minor] = this.#tool.version
    const settings = [
      `bucket=${backend.bucket}`,
      `dynamodb_table=${backend.table}`,
      `key=${backend.key}`,
      `region=${backend.region}`,
      // From 1.10 on, S3's own lock as well, so that the table can be given up one day.
      ...(major > 1 || minor >= 10 ? ['use_lockfile=true'] : []),
      // An emulator has no host name for each bucket.
      ...(this.#target.aws.endpoint === undefined ? [] : ['use_path_style=true']),
    ]
    const args = ['init', '-input=false', '-no-color', '-reconfigure', '-lockfile=readonly']
    await this.#run(
      [...args, ...settings.map((setting) => `-backend-config=${setting}`)],
      'read',
      'prepare its module',
      options,
    )
  }

  /** Selects the environment's workspace, and makes it, with an empty state, where there is none. */
  async selectWorkspace(options: RunOptions = {}): Promise<void> {
    const { workspace } = this.#target.infrastructure
    const args = ['workspace', 'select', '-or-create', '-no-color', workspace]
    await this.#run(args, 'read', `select the workspace ${workspace}`, options)
  }

  /**
   * Plans into a file that only its owner can read: it holds every secret of the plan.
   * @returns the warnings, and whether applying it would change anything, which Terraform alone knows: outputs, moves,
   * imports and what only the state forgets count
   */
  async plan(
    planFile: string,
    mode: PlanMode,
    options: ProgressOptions = {},
  ): Promise<{ warnings: Diagnostic[]; changes: boolean }> {
    // Terraform would make the file readable for all; it keeps the mode of one that exists.
    await writeFile(planFile, '', { mode: 0o600 })
    const { varFile } = this.#target.infrastructure
    const args = [
      'plan',
      '-json',
      '-input=false',
      '-detailed-exitcode',
      `-var-file=${varFile}`,
      `-out=${planFile}`,
    ]
    const extra = mode === 'apply' ? [] : [`-${mode}`]
    const warnings: Diagnostic[] = []
    const { exitCode } = await this.#run([...args, ...extra], 'read', 'make a plan', {
      ...options,
      answers: [0, 2],
      onEvent: (event) => {
        if (event.kind === 'diagnostic' && event.diagnostic.severity === 'warning')
          warnings.push(event.diagnostic)
        options.onEvent?.(event)
      },
    })
    return { warnings, changes: exitCode === 2 }
  }

  /** What a plan file would do. */
  async show(planFile: string, options: RunOptions = {}): Promise<TerraformPlan> {
    const { stdout } = await this.#run(['show', '-json', planFile], 'read', 'read its plan', options)
    return parsePlan(stdout)
  }

  /**
   * Carries out a plan file. An interrupt lets the resources that are under way finish; then the state is written and
   * the lock released.
   */
  async apply(planFile: string, options: ProgressOptions = {}): Promise<void> {
    try {
      await this.#run(['apply', '-json', '-input=false', planFile], 'write', 'apply the plan', options)
    } catch (error) {
      await this.#assertStateWritten(error)
      throw error
    }
  }

  /** The module's outputs. */
  async output(options: RunOptions = {}): Promise<Record<string, Output>> {
    const { stdout } = await this.#run(['output', '-json'], 'read', 'read its outputs', options)
    return foreignJson('terraform output', stdout, (json) => outputsSchema.parse(json))
  }

  /** A state that could not be uploaded lies beside the module, and nothing else knows what was made. */
  async #assertStateWritten(cause: unknown): Promise<void> {
    const file = join(this.#target.infrastructure.folder, 'errored.tfstate')
    const found = await stat(file).catch(() => undefined)
    if (found === undefined) return
    throw new EmrError(`Terraform could not write the state; what it made is recorded in ${file} alone`, {
      code: 'STATE_NOT_WRITTEN',
      exitCode: cause instanceof InterruptedError ? ExitCode.interrupted : ExitCode.tool,
      suggestions: [this.#byHand('state push errored.tfstate'), `then delete ${file}`],
      details: { file },
      cause,
    })
  }

  async #run(
    args: string[],
    effect: Command['effect'],
    doing: string,
    { onEvent, answers, ...options }: ProgressOptions & Pick<Command, 'answers'>,
  ): Promise<CommandResult> {
    await mkdir(this.#target.dataFolder, { recursive: true, mode: 0o700 })
    const onLine = onEvent && ((line: string) => notify(line, onEvent))
    try {
      return await this.#runner.run({ ...this.#command(args, effect), answers }, { ...options, onLine })
    } catch (error) {
      if (!(error instanceof ToolError)) throw error
      throw terraformError(error, doing, (words) => this.#byHand(words), Date.now())
    }
  }

  #command(args: string[], effect: Command['effect']): Command {
    const { infrastructure, aws } = this.#target
    return {
      file: this.#tool.path,
      args,
      effect,
      cwd: infrastructure.folder,
      graceMs: effect === 'write' ? APPLY_GRACE_MS : READ_GRACE_MS,
      env: {
        ...this.#shellVariables(),
        AWS_REGION: aws.region,
        // A variable file that names them has the last word: the provider refuses any other account, the plan is
        // checked for its region.
        TF_VAR_aws_account_id: aws.accountId,
        TF_VAR_aws_region: aws.region,
        TF_IN_AUTOMATION: '1',
        CHECKPOINT_DISABLE: '1',
        // They would turn `workspace select` and the choice of arguments around.
        TF_WORKSPACE: undefined,
        TF_CLI_ARGS: undefined,
      },
    }
  }

  /** What somebody must set to run terraform by hand on the same state. */
  #shellVariables(): Record<string, string> {
    const { aws, dataFolder } = this.#target
    return {
      TF_DATA_DIR: dataFolder,
      ...(aws.profile === undefined ? {} : { AWS_PROFILE: aws.profile }),
      ...(aws.endpoint === undefined ? {} : { AWS_ENDPOINT_URL: aws.endpoint }),
    }
  }

  #byHand(words: string): string {
    const assignments = Object.entries(this.#shellVariables()).map(([name, value]) => `${name}=${value}`)
    const { folder } = this.#target.infrastructure
    return commandLine({
      file: 'env',
      args: [...assignments, this.#tool.path, `-chdir=${folder}`, ...words.split(' ')],
    })
  }
}

function notify(line: string, onEvent: (event: TerraformEvent) => void): void {
  const event = parseEvent(line)
  if (event !== undefined) onEvent(event)
}
