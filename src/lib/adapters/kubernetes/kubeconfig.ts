import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { messageOf } from '../../errors.ts'
import type { Runner } from '../../process/runner.ts'
import { environmentProxy, proxyUrl } from '../network/proxy.ts'
import { type Certificate, impersonation, staticCredentials } from './credentials.ts'
import {
  type CredentialSource,
  type ExecCredentials,
  type ExecOptions,
  execCredentials,
  loginOf,
} from './exec-credential.ts'
import { type Cluster, type Exec, invalidKubeconfig, readContext, type User } from './kubeconfig-file.ts'

/** How to reach one cluster as one user; made from one context of one kubeconfig. */
export interface ClusterAccess extends Partial<CredentialSource> {
  kubeconfig: string
  context: string
  /** Without a slash at the end. */
  server: string
  tls: { ca?: string; servername?: string; rejectUnauthorized?: boolean }
  proxy?: URL
  /** What every request carries: whom the user acts as. */
  headers?: Record<string, string | string[]>
  /** What to type for new credentials; undefined where nothing is known to make them. */
  login?: string
}

export interface AccessOptions {
  environment?: Record<string, string | undefined>
  isTerminal?: boolean
  pluginMs?: number
  /** Of the same context, from an earlier run of its plugin. */
  known?: ExecCredentials
}

/** client.authentication.k8s.io, the name of the cluster's extension that its plugins read. */
const EXEC_EXTENSION = 'client.authentication.k8s.io/exec'
const EXEC_VERSIONS = ['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1']
const INTERACTIVE_MODES = ['Never', 'IfAvailable', 'Always']

/**
 * Reads one context of a kubeconfig file. The context is always named: the file's `current-context` belongs to
 * whoever used kubectl last. What kubectl can use can be used, and what it refuses is refused:
 * docs/decisions/080-kubeconfig-as-kubectl.md
 * @throws {EmrError} KUBECONFIG_INVALID (exit 4) naming the field, and the file that the field names
 */
export async function loadClusterAccess(
  kubeconfig: string,
  context: string,
  runner: Pick<Runner, 'run'>,
  options: AccessOptions = {},
): Promise<ClusterAccess> {
  const { cluster, user, clusterName } = await readContext(kubeconfig, context)
  try {
    if (clusterName === undefined)
      throw new Error(`its context '${context}' names a cluster that is not in it`)
    const server = serverOf(cluster)
    const isSecure = server.protocol === 'https:'
    assertUser(user)
    const ca = await pem(cluster, 'certificate-authority')
    const certificate = await certificateOf(user)
    const proxy = cluster['proxy-url']
      ? required(proxyUrl(cluster['proxy-url']), `proxy-url '${cluster['proxy-url']}' is not valid`)
      : environmentProxy(server, options.environment)
    return {
      kubeconfig,
      context,
      server: server.href.replace(/\/$/, ''),
      tls: isSecure ? trust(cluster, ca) : {},
      proxy,
      headers: impersonation(user),
      // As kubectl: no secret is sent where everybody could read it.
      ...(isSecure && (await sourceOf(user, certificate, { cluster, server, ca, runner, options }))),
      login: user.exec ? loginOf(user.exec) : undefined,
    }
  } catch (error) {
    throw invalidKubeconfig(kubeconfig, messageOf(error))
  }
}

function serverOf(cluster: Cluster): URL {
  const text = required(cluster.server, 'its cluster has no server')
  // To client-go too, an address without a scheme is one of http.
  const url = required(
    URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`),
    `server '${text}' is not a URL`,
  )
  if (!/^https?:$/.test(url.protocol) || url.hostname === '')
    throw new Error(`server '${text}' is not a URL of http or https`)
  url.search = ''
  url.hash = ''
  return url
}

function assertUser(user: User): void {
  const { exec } = user
  const isImpersonating =
    user['as-uid'] || user['as-groups'].length > 0 || Object.keys(user['as-user-extra']).length > 0
  if (isImpersonating && user.as === '')
    throw new Error('its user has as-uid, as-groups or as-user-extra without as')
  if (user.token && (user.username || user.password))
    throw new Error('its user has both a username and a token')
  if (exec && user['auth-provider']) throw new Error('its user has both exec and auth-provider')
  if (exec) assertExec(exec)
}

function assertExec({ command, apiVersion, env, interactiveMode }: Exec): void {
  required(command, 'its exec has no command')
  required(apiVersion, 'its exec has no apiVersion')
  if (!EXEC_VERSIONS.includes(apiVersion))
    throw new Error(`apiVersion '${apiVersion}' of its exec is not supported`)
  for (const { name } of env) required(name, 'its exec has an env variable without a name')
  if (interactiveMode === '' && apiVersion === EXEC_VERSIONS[0])
    throw new Error('its exec has no interactiveMode')
  if (interactiveMode !== '' && !INTERACTIVE_MODES.includes(interactiveMode))
    throw new Error(
      `interactiveMode '${interactiveMode}' of its exec is none of ${INTERACTIVE_MODES.join(', ')}`,
    )
}

function trust(cluster: Cluster, ca: string | undefined): ClusterAccess['tls'] {
  const isInsecure = cluster['insecure-skip-tls-verify']
  if (isInsecure && ca !== undefined)
    throw new Error('its cluster has both certificate-authority and insecure-skip-tls-verify')
  if (ca !== undefined && !hasCertificate(ca))
    throw new Error(
      `certificate-authority ${cluster['certificate-authority'] || 'of its cluster'} has no certificate in it`,
    )
  return { ca, servername: cluster['tls-server-name'] || undefined, rejectUnauthorized: !isInsecure }
}

function hasCertificate(text: string): boolean {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return blocks.some((block) => {
    try {
      return new X509Certificate(block) !== undefined
    } catch {
      return false
    }
  })
}

async function certificateOf(user: User): Promise<Certificate> {
  const cert = await pem(user, 'client-certificate')
  if (cert === undefined) return {}
  const key = required(await pem(user, 'client-key'), 'its user has a client-certificate, and no client-key')
  try {
    createSecureContext({ cert, key })
  } catch (error) {
    throw new Error(`client-certificate and client-key of its user cannot be used: ${messageOf(error)}`)
  }
  return { cert, key }
}

type PemField = 'certificate-authority' | 'client-certificate' | 'client-key'

/** @throws {Error} naming the field and the file that cannot be read */
async function pem(
  entry: Partial<Record<PemField, string> & Record<`${PemField}-data`, Buffer>>,
  field: PemField,
): Promise<string | undefined> {
  const file = entry[field] ?? ''
  const data = entry[`${field}-data`]
  if (file !== '' && data?.length) throw new Error(`${field} and ${field}-data are both specified`)
  if (data?.length) return data.toString('utf8')
  if (file === '') return undefined
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new Error(`${field} ${file}: ${messageOf(error)}`)
  }
}

async function sourceOf(
  user: User,
  certificate: Certificate,
  about: {
    cluster: Cluster
    server: URL
    ca: string | undefined
    runner: ExecOptions['runner']
    options: AccessOptions
  },
): Promise<CredentialSource> {
  const known = await staticCredentials(user, certificate)
  // A plugin is for those who have nothing else.
  if (known) return known
  if (user['auth-provider']) {
    const { authProviderCredentials } = await import('./oidc.ts')
    return authProviderCredentials(user['auth-provider'])
  }
  if (!user.exec) throw new Error('its user has no credentials')
  const { runner, options } = about
  return execCredentials(user.exec, {
    runner,
    cluster: clusterInfo(about),
    isTerminal: options.isTerminal ?? process.stdin.isTTY === true,
    pluginMs: options.pluginMs,
    known: options.known,
  })
}

/** `spec.cluster` of an ExecCredential. */
function clusterInfo({ cluster, server, ca }: { cluster: Cluster; server: URL; ca: string | undefined }) {
  const extension = cluster.extensions.find(({ name }) => name === EXEC_EXTENSION)?.extension
  return {
    server: server.href.replace(/\/$/, ''),
    'tls-server-name': cluster['tls-server-name'] || undefined,
    'insecure-skip-tls-verify': cluster['insecure-skip-tls-verify'] || undefined,
    'certificate-authority-data': ca === undefined ? undefined : Buffer.from(ca).toString('base64'),
    'proxy-url': cluster['proxy-url'] || undefined,
    'disable-compression': cluster['disable-compression'] || undefined,
    config: extension ?? null,
  }
}

function required<T>(value: T, why: string): NonNullable<T> {
  if (value === undefined || value === null || value === '') throw new Error(why)
  return value as NonNullable<T>
}
