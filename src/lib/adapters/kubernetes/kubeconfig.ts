import { readFile } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { performance } from 'node:perf_hooks'
import { parse } from 'yaml'
import { z } from 'zod'
import { EmrError, ExitCode, messageOf } from '../../errors.ts'
import { commandLine } from '../../process/command.ts'
import type { Runner } from '../../process/runner.ts'
import { loginCommand } from '../aws/errors.ts'

/** How to reach one cluster as one user; made from one context of one kubeconfig. */
export interface ClusterAccess {
  kubeconfig: string
  context: string
  server: string
  tls: { ca?: string; cert?: string; key?: string; servername?: string; rejectUnauthorized?: boolean }
  /**
   * The bearer token to send, asked before each request; exec credentials are kept until they expire.
   * @throws {EmrError} CREDENTIALS_FAILED (exit 4) when the program that makes it fails
   */
  token?: () => Promise<string>
  /** Says that the server did not take the token: a new one is made for the next request. */
  refuse?: () => void
  /** What to type for new credentials; undefined where nothing is known to make them. */
  login?: string
}

/** A program without a network may never end; the requests that wait for its token would be silent. */
const PLUGIN_MS = 30_000
/** Between a failure of it and its next run. */
const PLUGIN_PAUSE_MS = 3_000

const execSchema = z.looseObject({
  command: z.string(),
  args: z.array(z.string()).nullish(),
  env: z.array(z.object({ name: z.string(), value: z.string() })).nullish(),
})

type Exec = z.infer<typeof execSchema>

const clusterSchema = z.looseObject({
  server: z.string(),
  'certificate-authority': z.string().optional(),
  'certificate-authority-data': z.string().optional(),
  'insecure-skip-tls-verify': z.boolean().optional(),
  'tls-server-name': z.string().optional(),
})

const userSchema = z.looseObject({
  token: z.string().optional(),
  tokenFile: z.string().optional(),
  'client-certificate': z.string().optional(),
  'client-certificate-data': z.string().optional(),
  'client-key': z.string().optional(),
  'client-key-data': z.string().optional(),
  exec: execSchema.optional(),
})

const contextSchema = z.looseObject({ cluster: z.string(), user: z.string() })

const kubeconfigSchema = z.looseObject({
  clusters: z.array(z.looseObject({ name: z.string(), cluster: clusterSchema })).default([]),
  users: z.array(z.looseObject({ name: z.string(), user: userSchema })).default([]),
  contexts: z.array(z.looseObject({ name: z.string(), context: contextSchema })).default([]),
})

const execCredentialSchema = z.object({
  status: z.object({ token: z.string().optional(), expirationTimestamp: z.string().optional() }),
})

/**
 * Reads one context of a kubeconfig file. The context is always named: the file's `current-context` belongs to
 * whoever used kubectl last.
 * @throws {EmrError} KUBECONFIG_INVALID (exit 4) when the file, the context or what it names is missing.
 */
export async function loadClusterAccess(
  kubeconfig: string,
  context: string,
  runner: Pick<Runner, 'run'>,
): Promise<ClusterAccess> {
  const config = await readKubeconfig(kubeconfig)
  const find = <T extends { name: string }>(list: T[], kind: string, name: string): T => {
    const found = list.find((entry) => entry.name === name)
    if (found) return found
    const known = list.map((entry) => entry.name).join(', ') || 'none'
    throw invalid(kubeconfig, `it has no ${kind} '${name}' (it has: ${known})`)
  }
  const { cluster: clusterName, user: userName } = find(config.contexts, 'context', context).context
  const { cluster } = find(config.clusters, 'cluster', clusterName)
  const { user } = find(config.users, 'user', userName)
  const folder = dirname(kubeconfig)
  const pem = async (data: string | undefined, file: string | undefined) => {
    if (data !== undefined) return Buffer.from(data, 'base64').toString('utf8')
    return file === undefined ? undefined : readFile(resolve(folder, file), 'utf8')
  }
  return {
    kubeconfig,
    context,
    server: cluster.server,
    tls: {
      ca: await pem(cluster['certificate-authority-data'], cluster['certificate-authority']),
      cert: await pem(user['client-certificate-data'], user['client-certificate']),
      key: await pem(user['client-key-data'], user['client-key']),
      servername: cluster['tls-server-name'],
      rejectUnauthorized: cluster['insecure-skip-tls-verify'] !== true,
    },
    ...tokenSource(user, folder, runner),
    login: user.exec && loginOf(user.exec),
  }
}

async function readKubeconfig(kubeconfig: string) {
  try {
    return kubeconfigSchema.parse(parse(await readFile(kubeconfig, 'utf8')))
  } catch (error) {
    if (error instanceof z.ZodError) throw invalid(kubeconfig, z.prettifyError(error))
    throw invalid(kubeconfig, messageOf(error))
  }
}

function invalid(kubeconfig: string, why: string): EmrError {
  return new EmrError(`The kubeconfig ${kubeconfig} cannot be used: ${why}`, {
    code: 'KUBECONFIG_INVALID',
    exitCode: ExitCode.preflight,
    suggestions: [`kubectl --kubeconfig ${kubeconfig} config get-contexts`],
  })
}

function tokenSource(
  user: z.infer<typeof userSchema>,
  folder: string,
  runner: Pick<Runner, 'run'>,
): Pick<ClusterAccess, 'token' | 'refuse'> {
  const { token, tokenFile, exec } = user
  if (token !== undefined) return { token: async () => token }
  if (tokenFile !== undefined) {
    return { token: async () => (await readFile(resolve(folder, tokenFile), 'utf8')).trim() }
  }
  return exec === undefined ? {} : execToken(exec, runner)
}

/**
 * client.authentication.k8s.io: runs the credential plugin again a minute before its token expires, and when the server
 * does not take its token; once, however many requests wait for it, and not again at once where it fails.
 */
function execToken(exec: Exec, runner: Pick<Runner, 'run'>): Pick<ClusterAccess, 'token' | 'refuse'> {
  let current: Promise<{ token: string; expires: number }> | undefined
  let failedAt = -Infinity
  let refused = false
  const ask = async () => {
    try {
      const { stdout } = await runner.run({
        file: exec.command,
        args: exec.args ?? [],
        effect: 'read',
        env: environmentOf(exec),
        timeoutMs: PLUGIN_MS,
      })
      const { status } = execCredentialSchema.parse(JSON.parse(stdout))
      if (status.token === undefined) throw new Error(`${exec.command} gave no token`)
      refused = false
      const expires = status.expirationTimestamp ? Date.parse(status.expirationTimestamp) : Infinity
      return { token: status.token, expires }
    } catch (error) {
      failedAt = performance.now()
      throw new EmrError(`There are no credentials for the API server: ${messageOf(error)}`, {
        code: 'CREDENTIALS_FAILED',
        exitCode: ExitCode.preflight,
        suggestions: [loginOf(exec)],
        cause: error,
      })
    }
  }
  const token = async () => {
    const before = current
    const known = await before?.catch(() => undefined)
    const usable = known && !refused && known.expires - Date.now() >= 60_000
    const failed = before !== undefined && known === undefined
    const tooSoon = failed && performance.now() - failedAt < PLUGIN_PAUSE_MS
    // Somebody else may have asked anew meanwhile.
    if (current === before && !usable && !tooSoon) current = ask()
    return (await (current as ReturnType<typeof ask>)).token
  }
  return {
    token,
    refuse: () => {
      refused = true
    },
  }
}

function environmentOf({ env }: Exec): Record<string, string> {
  return Object.fromEntries((env ?? []).map(({ name, value }) => [name, value]))
}

/** The AWS CLI says itself how to log in, but not with which profile; what other programs need, they say when run by hand. */
function loginOf(exec: Exec): string {
  const { AWS_PROFILE: profile } = environmentOf(exec)
  return basename(exec.command) === 'aws'
    ? loginCommand(profile)
    : commandLine({ file: exec.command, args: exec.args ?? [] })
}
