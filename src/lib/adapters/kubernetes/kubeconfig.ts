import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { EmrError, ExitCode, messageOf } from '../../errors.ts'
import type { Runner } from '../../process/runner.ts'

/** How to reach one cluster as one user; made from one context of one kubeconfig. */
export interface ClusterAccess {
  kubeconfig: string
  context: string
  server: string
  tls: { ca?: string; cert?: string; key?: string; servername?: string; rejectUnauthorized?: boolean }
  /** The bearer token to send, asked before each request; exec credentials are kept until they expire. */
  token?: () => Promise<string>
}

const execSchema = z.looseObject({
  command: z.string(),
  args: z.array(z.string()).nullish(),
  env: z.array(z.object({ name: z.string(), value: z.string() })).nullish(),
})

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
    token: tokenSource(user, folder, runner),
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
): ClusterAccess['token'] {
  const { token, tokenFile, exec } = user
  if (token !== undefined) return async () => token
  if (tokenFile !== undefined) {
    return async () => (await readFile(resolve(folder, tokenFile), 'utf8')).trim()
  }
  return exec === undefined ? undefined : execToken(exec, runner)
}

/** client.authentication.k8s.io: runs the credential plugin again a minute before its token expires. */
function execToken(exec: z.infer<typeof execSchema>, runner: Pick<Runner, 'run'>): () => Promise<string> {
  let current: Promise<{ token: string; expires: number }> | undefined
  const ask = async () => {
    const { stdout } = await runner.run({
      file: exec.command,
      args: exec.args ?? [],
      effect: 'read',
      env: Object.fromEntries((exec.env ?? []).map(({ name, value }) => [name, value])),
    })
    const { status } = execCredentialSchema.parse(JSON.parse(stdout))
    if (status.token === undefined) throw new Error(`${exec.command} gave no token`)
    const expires = status.expirationTimestamp ? Date.parse(status.expirationTimestamp) : Infinity
    return { token: status.token, expires }
  }
  return async () => {
    const known = await current?.catch(() => undefined)
    if (known === undefined || known.expires - Date.now() < 60_000) current = ask()
    return (await (current as Promise<{ token: string }>)).token
  }
}
