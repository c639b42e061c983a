import { existsSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type LoadedConfig, loadConfig } from '../config/load.ts'
import { EmrError, ExitCode } from '../errors.ts'
import { table } from '../output/table.ts'
import { symbols, stdoutTheme as theme } from '../output/theme.ts'
import { ProcessRunner } from '../process/runner.ts'
import { removeSandboxDatabase, sandboxDatabaseAddress, stopSandboxDatabase } from '../sandbox/database.ts'
import { instanceFiles } from '../sandbox/instance.ts'
import {
  type RunningSandbox,
  resetSandbox,
  type SandboxStatus,
  sandboxStatus,
  settledStatus,
  startSandbox,
  stopSandbox,
} from '../sandbox/lifecycle.ts'
import type { SandboxSettings } from '../sandbox/settings.ts'
import { brokenCopy } from '../sandbox/store/journal.ts'
import type { CommandContext, Report } from './base-command.ts'
import { type Session, stateFolderOf, tool } from './session.ts'

/** The sandbox of a project, with the programs that are used on it. */
export type SandboxDocument = SandboxStatus & { database?: string; helm?: string; kubectl?: string }

interface Project {
  config: LoadedConfig
  /** `.emr/sandbox` */
  folder: string
  /** Those of the first environment on the sandbox. */
  settings: SandboxSettings
}

/** Where the environment's sandbox listens; starts it if need be and wanted. */
export async function sandboxKubeconfig(
  { config, environment }: Session,
  { start }: { start: boolean },
): Promise<{ kubeconfig: string; context: string } | undefined> {
  const folder = sandboxFolder(config)
  const status = start
    ? await startSandbox({
        folder,
        command: serveCommand(folder),
        settings: settingsOf(config, environment.name),
      })
    : await settledStatus(folder)
  return status.running ? status : undefined
}

/** `emr sandbox start` */
export async function start(
  configFile: string | undefined,
  context: CommandContext,
): Promise<Report<SandboxDocument>> {
  const project = await openProject(configFile)
  const { folder, settings } = project
  const status = await startSandbox({ folder, command: serveCommand(folder), settings })
  return describe(project, status, context)
}

/** `emr sandbox status`: exit 0 whether it runs or not. */
export async function status(
  configFile: string | undefined,
  context: CommandContext,
): Promise<Report<SandboxDocument>> {
  const project = await openProject(configFile)
  return describe(project, await settledStatus(project.folder), context)
}

/** `emr sandbox stop` */
export async function stop(configFile: string | undefined): Promise<Report<{ stopped: boolean }>> {
  const { folder } = await openProject(configFile)
  const server = await stopSandbox(folder)
  // A server that was killed has left its database running.
  const stopped = (await stopSandboxDatabase(folder)) || server
  const text = stopped ? 'The sandbox has stopped; what is in it stays.' : 'The sandbox was not running.'
  return { document: { stopped }, text }
}

/** `emr sandbox reset` */
export async function reset(configFile: string | undefined): Promise<Report<{ reset: true }>> {
  const { folder } = await openProject(configFile)
  await removeSandboxDatabase(folder)
  await resetSandbox(folder)
  return { document: { reset: true }, text: 'The sandbox is empty; the next start is a new cluster.' }
}

/** `emr sandbox serve`: the server itself. */
export async function serve(folder: string): Promise<void> {
  const { serveSandbox } = await import('../sandbox/serve.ts')
  await serveSandbox(folder)
}

/** Where the sandbox’s load balancer listens; undefined while it does not run. */
export async function sandboxIngress({ config }: Session): Promise<string | undefined> {
  const status = await sandboxStatus(sandboxFolder(config))
  return status.running ? status.ingress : undefined
}

function sandboxFolder(config: LoadedConfig): string {
  return join(stateFolderOf(config), 'sandbox')
}

/** This program, as a process of its own. */
function serveCommand(folder: string): [string, ...string[]] {
  return [process.execPath, realpathSync(process.argv[1] ?? ''), 'sandbox', 'serve', folder]
}

async function openProject(configFile: string | undefined): Promise<Project> {
  const config = await loadConfig(process.cwd(), configFile, process.env)
  const name = Object.entries(config.settings.environments).find(
    ([, { cluster }]) => 'sandbox' in cluster,
  )?.[0]
  const settings = name === undefined ? undefined : settingsOf(config, name)
  if (settings !== undefined) return { config, folder: sandboxFolder(config), settings }
  throw new EmrError(`No environment of ${config.file} is on the sandbox`, {
    code: 'CONFIG_INVALID',
    exitCode: ExitCode.config,
    suggestions: ['add to environments:  sandbox: {cluster: {sandbox: {}}}'],
  })
}

function settingsOf({ settings }: LoadedConfig, environment: string): SandboxSettings | undefined {
  const cluster = settings.environments[environment]?.cluster
  return cluster && 'sandbox' in cluster ? cluster.sandbox : undefined
}

async function describe(
  { config, folder, settings }: Project,
  status: SandboxStatus,
  { signal }: CommandContext,
): Promise<Report<SandboxDocument>> {
  const runner = new ProcessRunner()
  const find = (name: 'helm' | 'kubectl') => tool({ config, runner, signal }, name).catch(() => undefined)
  const [helm, kubectl, database] = await Promise.all([
    find('helm'),
    find('kubectl'),
    sandboxDatabaseAddress(folder),
  ])
  const document = { ...status, database, helm: helm?.path, kubectl: kubectl?.path }
  const title = status.running
    ? `${theme.good(symbols.good)} The sandbox runs since ${status.startedAt}`
    : `${theme.faint(symbols.skipped)} The sandbox does not run; start it with: emr sandbox start`
  const rows = [
    ...(status.running ? runningRows(status, settings) : []),
    ...damageRow(folder),
    ...(database ? [['database', database]] : []),
    ['kubeconfig', status.kubeconfig],
    ['context', status.context],
    ['helm', helm?.path ?? 'none (emr doctor says why)'],
    ['kubectl', kubectl?.path ?? 'none (emr doctor says why)'],
  ]
  return { document, text: `${title}\n${table(undefined, rows)}` }
}

/** What could not be read of a damaged journal is gone; nobody should have to find that out alone. */
function damageRow(folder: string): string[][] {
  const copy = brokenCopy(instanceFiles(folder).journal)
  if (!existsSync(copy)) return []
  const text = `what was stored had been damaged and is not complete: kept as ${copy}; begin anew with: emr sandbox reset`
  return [['state', theme.warn(text)]]
}

function runningRows(
  { server, ingress, pid, settings }: RunningSandbox,
  configured: SandboxSettings,
): string[][] {
  const changed = isDeepStrictEqual(settings, configured)
    ? []
    : [
        [
          'settings',
          theme.warn('changed since it started; apply them with: emr sandbox stop && emr sandbox start'),
        ],
      ]
  return [['API', server], ['ingress', ingress], ['process', String(pid)], ...changed]
}
