import type { Agent, ClientRequest, RequestOptions } from 'node:http'
import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import {
  type ConnectionOptions,
  checkServerIdentity,
  getCACertificates,
  type PeerCertificate,
} from 'node:tls'
import type { Credentials } from './exec-credential.ts'
import type { ClusterAccess } from './kubeconfig.ts'

/** The connections to one API server: by http or https, through a proxy where there is one, kept for later requests. */
export class Connections {
  readonly #access: ClusterAccess
  readonly #tls: ConnectionOptions
  #agent: Agent | Promise<Agent> | undefined

  constructor(access: ClusterAccess) {
    this.#access = access
    this.#tls = access.server.startsWith('https:') ? trust(access) : {}
  }

  /** A request that has not been sent. */
  async request(url: URL, options: RequestOptions, { cert, key }: Credentials): Promise<ClientRequest> {
    this.#agent ??= this.#makeAgent()
    const agent = await this.#agent
    options.signal?.throwIfAborted()
    // The certificate belongs to the request, not to the agent: a plugin may give another one later.
    return url.protocol === 'http:'
      ? httpRequest(url, { ...options, agent })
      : httpsRequest(url, { ...options, ...this.#tls, cert, key, agent })
  }

  /** Ends kept-alive connections. */
  close(): void {
    Promise.resolve(this.#agent)
      .then((agent) => agent?.destroy())
      .catch(() => undefined)
  }

  #makeAgent(): Agent | Promise<Agent> {
    const { proxy, server } = this.#access
    const target = server.startsWith('https:') ? 'https:' : 'http:'
    if (proxy === undefined)
      return target === 'https:' ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true })
    const { ca, rejectUnauthorized } = this.#tls
    return import('../network/proxy-agent.ts').then(({ proxyAgent }) =>
      proxyAgent(proxy, target, { keepAlive: true, tls: { ca, rejectUnauthorized } }),
    )
  }
}

function trust({ server, tls }: ClusterAccess): ConnectionOptions {
  const name = tls.servername ?? new URL(server).hostname.replace(/^\[|\]$/g, '')
  return {
    ...tls,
    // As for kubectl, the certificates of this machine, not those that Node brings.
    ca: tls.ca ?? (tls.rejectUnauthorized === false ? undefined : systemCertificates()),
    // Through a tunnel Node would compare with the name of the proxy.
    checkServerIdentity: (_host: string, certificate: PeerCertificate) => {
      // Go does not look at the common name.
      if (certificate.subjectaltname === undefined)
        return new Error('its certificate has no subject alternative names')
      return checkServerIdentity(name, certificate)
    },
  }
}

function systemCertificates(): string[] | undefined {
  const system = getCACertificates('system')
  return system.length === 0 ? undefined : [...system, ...getCACertificates('extra')]
}
