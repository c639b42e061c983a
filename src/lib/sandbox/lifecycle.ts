import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { KubernetesClient } from '../adapters/kubernetes/client.ts'
import { EmrError, ExitCode } from '../errors.ts'
import { keepKubeconfig, readCredentials } from './credentials.ts'
import {
  CONTEXT,
  instanceFiles,
  readJson,
  type ServerState,
  serverStateSchema,
  writePrivate,
} from './instance.ts'
import { takeLock } from './lock.ts'
import { type SandboxSettings, type SandboxSettingsInput, sandboxSettingsSchema } from './settings.ts'

export interface RunningSandbox {
  running: true
  pid: number
  kubeconfig: string
  context: string
  /** URL of the Kubernetes API. */
  server: string
  /** URL of the load balancer. */
  ingress: string
  startedAt: string
  settings: SandboxSettings
}

export type SandboxStatus = RunningSandbox | { running: false; kubeconfig: string; context: string }

export interface StartOptions {
  /** The project's state folder for the sandbox, `.emr/sandbox`. */
  folder: string
  /** The program and arguments that call `serveSandbox(folder)`. */
  command: [file: string, ...args: string[]]
  settings?: SandboxSettingsInput
}

const START_TIMEOUT_MS = 20_000
const STOP_TIMEOUT_MS = 5_000
const POLL_MS = 25
const LOG_LINES = 20

/**
 * Starts the sandbox as a process of its own, or finds the one that runs; its settings then stay as they are. Safe
 * when two start at once: both get the same server. Whatever a killed server left behind is taken over.
 * @throws {EmrError} SANDBOX_NOT_STARTED (exit 1) with the server's last words
 */
export async function startSandbox({ folder, command, settings }: StartOptions): Promise<RunningSandbox> {
  const running = await sandboxStatus(folder)
  if (running.running) return running
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const files = instanceFiles(folder)
  const chosen = sandboxSettingsSchema.parse(settings ?? {})
  writePrivate(folder, files.settings, JSON.stringify(chosen, undefined, 2))
  // What the last one said before it ended is not lost.
  const log = openSync(files.log, 'a', 0o600)
  const [file, ...args] = command
  const child = spawn(file, args, { detached: true, stdio: ['ignore', log, log] })
  let failure: string | undefined
  child.on('error', (error) => {
    failure = error.message
  })
  child.on('exit', (code) => {
    // A server that finds another one at work ends with 0.
    if (code !== 0) failure = `the server ended with ${code ?? 'a signal'}`
  })
  child.unref()
  const deadline = Date.now() + START_TIMEOUT_MS
  while (Date.now() < deadline && failure === undefined) {
    await delay(POLL_MS)
    const status = await sandboxStatus(folder)
    if (status.running) return status
  }
  throw notStarted(files.log, failure ?? `no answer within ${START_TIMEOUT_MS / 1000} s`)
}

function notStarted(log: string, why: string): EmrError {
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-LOG_LINES).join('\n')
  return new EmrError(`The sandbox did not start: ${why}${lines && `\n${lines}`}`, {
    code: 'SANDBOX_NOT_STARTED',
    exitCode: ExitCode.failed,
    suggestions: [`less ${log}`, 'emr sandbox reset'],
  })
}

/**
 * Asks the server itself, by its token: a recorded process id alone may be another program's by now. The kubeconfig of
 * one that runs is right afterwards, whatever was done to it.
 */
export async function sandboxStatus(folder: string): Promise<SandboxStatus> {
  const { kubeconfig } = instanceFiles(folder)
  const known = { kubeconfig, context: CONTEXT }
  const answer = await askStatus(folder)
  const credentials = readCredentials(folder)
  if (answer === undefined || credentials === undefined) return { running: false, ...known }
  const { pid, port, ingressPort, startedAt, settings } = answer
  const server = `https://127.0.0.1:${port}`
  keepKubeconfig(folder, credentials, server)
  const ingress = `http://127.0.0.1:${ingressPort}`
  return { running: true, pid, ...known, server, ingress, startedAt, settings }
}

type ServerStatus = ServerState & { startedAt: string; settings: SandboxSettings }

async function askStatus(folder: string): Promise<ServerStatus | undefined> {
  const admin = adminOf(folder)
  try {
    return await admin?.json<ServerStatus>('GET', '/sandbox/status', { attempts: 1, timeoutMs: 2_000 })
  } catch {
    return undefined
  } finally {
    admin?.close()
  }
}

/** As sandboxStatus; a server whose files were damaged holds its lock all the same, and puts them right in a second. */
export async function settledStatus(folder: string): Promise<SandboxStatus> {
  const deadline = Date.now() + STOP_TIMEOUT_MS
  for (;;) {
    const status = await sandboxStatus(folder)
    if (status.running || !isServed(folder) || Date.now() > deadline) return status
    await delay(POLL_MS)
  }
}

/**
 * Ends the server; what it stored stays.
 * @returns false when none was running
 */
export async function stopSandbox(folder: string): Promise<boolean> {
  const status = await settledStatus(folder)
  const admin = adminOf(folder)
  if (!status.running || !admin) return false
  await admin.json('POST', '/sandbox/stop', { attempts: 1 })
  admin.close()
  const deadline = Date.now() + STOP_TIMEOUT_MS
  while (isAlive(status.pid)) {
    // Its own answer a moment ago has shown that the process id is the server's.
    if (Date.now() > deadline) process.kill(status.pid, 'SIGKILL')
    await delay(POLL_MS)
  }
  return true
}

/** Ends the server and removes everything that it stored; the next start is a new cluster. */
export async function resetSandbox(folder: string): Promise<void> {
  await stopSandbox(folder)
  rmSync(folder, { recursive: true, force: true })
}

/** A client for the server's own endpoints: on the listener that stays open when the API is told to go silent. */
export function adminOf(folder: string): KubernetesClient | undefined {
  const files = instanceFiles(folder)
  const state = readJson(files.server, serverStateSchema)
  const credentials = readCredentials(folder)
  if (!state || !credentials) return undefined
  return new KubernetesClient({
    kubeconfig: files.kubeconfig,
    context: CONTEXT,
    server: `https://127.0.0.1:${state.insidePort}`,
    tls: { ca: credentials.ca },
    credentials: async () => ({ authorization: `Bearer ${credentials.token}` }),
  })
}

function isServed(folder: string): boolean {
  const { lock } = instanceFiles(folder)
  if (!existsSync(lock)) return false
  const release = takeLock(lock)
  release?.()
  return release === undefined
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
