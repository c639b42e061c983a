import { dirname, join } from 'node:path'
import { findTool, type Tool, type ToolName } from '../adapters/tools/find.ts'
import { resolveEnvironment } from '../config/environment.ts'
import { type LoadedConfig, loadConfig } from '../config/load.ts'
import type { Environment } from '../domain/environment.ts'
import { ProcessRunner, type Runner } from '../process/runner.ts'
import { assertNames } from './confirm.ts'
import { usageError } from './flags.ts'

/** One command's work on one environment: its configuration, and how to reach everything it names. */
export interface Session {
  config: LoadedConfig
  environment: Environment
  /** `.emr` beside the configuration: kubeconfigs, sandbox, evidence. */
  stateFolder: string
  runner: Runner
  signal: AbortSignal
}

/** How a command names its environment and its configuration. */
export interface SessionFlags {
  config?: string
  /** The first argument. */
  argument?: string
  /** -e */
  environment?: string
  /** --confirm NAME */
  confirm?: string | undefined
}

/**
 * Loads the configuration and picks the environment: argument, then -e, then EMR_ENVIRONMENT, then the default.
 * @throws {EmrError} USAGE, CONFIRMATION_WRONG (2) or what is wrong with the configuration (3)
 */
export async function openSession(flags: SessionFlags, signal: AbortSignal): Promise<Session> {
  const { argument, environment: flag } = flags
  if (argument !== undefined && flag !== undefined && argument !== flag) {
    throw usageError(`The environment is given twice: '${argument}' and -e '${flag}'`, ['name it once'])
  }
  const config = await loadConfig(process.cwd(), flags.config, process.env)
  const name = argument ?? flag ?? config.settings.defaultEnvironment
  if (name === undefined) {
    throw usageError('No environment is named', [
      `name it as the first argument: ${Object.keys(config.settings.environments).join(', ')}`,
      'or set EMR_ENVIRONMENT, or defaultEnvironment in emr.config.yaml',
    ])
  }
  const environment = resolveEnvironment(config, name)
  assertNames(environment, flags.confirm)
  return {
    config,
    environment,
    stateFolder: stateFolderOf(config),
    runner: new ProcessRunner(),
    signal,
  }
}

export function stateFolderOf(config: LoadedConfig): string {
  return join(dirname(config.file), '.emr')
}

/** The program that the configuration names, that is on PATH, or that emr brings. */
export function tool(
  { config, runner, signal }: Pick<Session, 'config' | 'runner' | 'signal'>,
  name: ToolName,
): Promise<Tool> {
  const configured = name === 'aws' ? undefined : config.settings.tools[name]
  return findTool(name, configured, runner, signal)
}
