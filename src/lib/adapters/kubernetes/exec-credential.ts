import { access as accessFile, constants, stat } from 'node:fs/promises'
import { basename, delimiter, join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { createSecureContext } from 'node:tls'
import { stripVTControlCharacters } from 'node:util'
import { z } from 'zod'
import { EmrError, ExitCode, messageOf } from '../../errors.ts'
import { commandLine } from '../../process/command.ts'
import { type Runner, ToolError } from '../../process/runner.ts'
import { loginCommand } from '../aws/errors.ts'
import { type Exec, parseData } from './kubeconfig-file.ts'

/** What proves an identity to the API server: a value of the header Authorization, a client certificate, or both. */
export interface Credentials {
  authorization?: string
  cert?: string
  key?: string
}

/** Where the credentials of requests come from. */
export interface CredentialSource {
  /** @throws {EmrError} CREDENTIALS_FAILED (exit 4) where there are none */
  credentials: () => Promise<Credentials>
  /** Says that the server did not take these: others are made for the next request. Missing where none can be made. */
  refuse?: (refused: Credentials) => void
}

export interface ExecOptions {
  runner: Pick<Runner, 'run'>
  /** What the plugin is told of the cluster, where it wants to know. */
  cluster?: Record<string, unknown>
  /** Whether somebody is at stdin. */
  isTerminal: boolean
  /** Milliseconds until a plugin that nobody can answer is stopped. Default 30,000. */
  pluginMs?: number
  /** Credentials that an earlier run has given. */
  known?: ExecCredentials
}

/** Credentials of one run of a plugin. */
export interface ExecCredentials extends Credentials {
  /** Epoch milliseconds. */
  expires: number
}

/** A program without a network may never end; the requests that wait for its token would be silent. */
const PLUGIN_MS = 30_000
/** Between a failure of it and its next run. */
const PLUGIN_PAUSE_MS = 3_000
/** How long before they expire credentials are made anew. */
const EARLY_MS = 60_000

const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '')

const execCredentialSchema = z.object({
  apiVersion: z.string(),
  kind: z.literal('ExecCredential'),
  status: z
    .object({
      token: text,
      clientCertificateData: text,
      clientKeyData: text,
      expirationTimestamp: z.iso.datetime({ offset: true }).nullish(),
    })
    .nullish(),
})

/**
 * client.authentication.k8s.io: runs the credential plugin again a minute before what it gave expires, and when the server
 * does not take that; once, however many requests wait for it, and not again at once where it fails.
 */
export function execCredentials(exec: Exec, options: ExecOptions): CredentialSource {
  let current = options.known && Promise.resolve(options.known)
  let failedAt = -Infinity
  /** The last ones, while the server takes them. */
  let accepted: Credentials | undefined = options.known
  const ask = async () => {
    try {
      const made = await runPlugin(exec, options)
      accepted = made
      return made
    } catch (error) {
      failedAt = performance.now()
      throw noCredentials(exec, error)
    }
  }
  const credentials = async () => {
    const before = current
    const known = await before?.catch(() => undefined)
    const usable = known && known === accepted && known.expires - Date.now() >= EARLY_MS
    const failed = before !== undefined && known === undefined
    const tooSoon = failed && performance.now() - failedAt < PLUGIN_PAUSE_MS
    // Somebody else may have asked anew meanwhile.
    if (current === before && !usable && !tooSoon) current = ask()
    return (await current) as ExecCredentials
  }
  return {
    credentials,
    refuse: (refused) => {
      if (refused === accepted) accepted = undefined
    },
  }
}

/** The AWS CLI says itself how to log in, but not with which profile; what other programs need, they say when run by hand. */
export function loginOf(exec: Exec): string {
  const profile = exec.env.find(({ name }) => name === 'AWS_PROFILE')?.value
  return basename(exec.command) === 'aws'
    ? loginCommand(profile)
    : commandLine({ file: exec.command, args: exec.args })
}

async function runPlugin(exec: Exec, options: ExecOptions): Promise<ExecCredentials> {
  if (exec.interactiveMode === 'Always' && !options.isTerminal)
    throw new Error('it needs a terminal (interactiveMode: Always), and standard input is none')
  const interactive = options.isTerminal && exec.interactiveMode !== 'Never'
  const spec = {
    ...(exec.provideClusterInfo && { cluster: options.cluster }),
    interactive,
  }
  const { stdout } = await options.runner.run({
    file: await programPath(exec.command),
    args: exec.args,
    effect: 'read',
    env: {
      ...Object.fromEntries(exec.env.map(({ name, value }) => [name, value])),
      KUBERNETES_EXEC_INFO: `${JSON.stringify({ kind: 'ExecCredential', apiVersion: exec.apiVersion, spec })}\n`,
    },
    interactive,
    // Somebody who types a password takes the time that it takes.
    timeoutMs: interactive ? undefined : (options.pluginMs ?? PLUGIN_MS),
  })
  return credentialsOf(exec, stdout)
}

/** @throws {Error} that does not quote the output, which may be a secret */
function credentialsOf({ apiVersion }: Exec, output: string): ExecCredentials {
  const { data } = execCredentialSchema.safeParse(dataOf(output))
  if (data === undefined) throw new Error('its output is no ExecCredential')
  if (data.apiVersion !== apiVersion)
    throw new Error(`it is configured for ${apiVersion}, and returned ${data.apiVersion}`)
  const { status } = data
  if (!status) throw new Error('it returned no status')
  const { token, clientCertificateData: cert, clientKeyData: key, expirationTimestamp } = status
  if ((cert === '') !== (key === '')) throw new Error('it returned only one of certificate and key')
  if (token === '' && cert === '') throw new Error('it returned neither a token nor a certificate')
  // What OpenSSL cannot use is said now, and not as a broken connection.
  if (cert !== '') createSecureContext({ cert, key })
  return {
    ...(token !== '' && { authorization: `Bearer ${token}` }),
    ...(cert !== '' && { cert, key }),
    expires: expirationTimestamp ? Date.parse(expirationTimestamp) : Infinity,
  }
}

function dataOf(output: string): unknown {
  try {
    return parseData(output)
  } catch {
    return undefined
  }
}

/** Where this process finds a program; `PATH` in the plugin's own `env` is for the plugin. */
async function programPath(command: string): Promise<string> {
  if (command.includes('/')) return command
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, command)
    const isProgram = await accessFile(path, constants.X_OK)
      .then(() => stat(path))
      .then(
        (found) => found.isFile(),
        () => false,
      )
    if (folder !== '' && isProgram) return path
  }
  throw new Error(`executable ${command} not found`)
}

function noCredentials(exec: Exec, error: unknown): EmrError {
  const isStarted = !(error instanceof ToolError) || error.result.exitCode >= 0
  const hint =
    isStarted && !/not found$/.test(messageOf(error)) ? '' : stripVTControlCharacters(exec.installHint).trim()
  const why = error instanceof ToolError ? error.message : `${exec.command}: ${messageOf(error)}`
  return new EmrError(
    [`There are no credentials for the API server: ${why}`, hint].filter(Boolean).join('\n'),
    {
      code: 'CREDENTIALS_FAILED',
      exitCode: ExitCode.preflight,
      suggestions: [loginOf(exec)],
      cause: error,
    },
  )
}
