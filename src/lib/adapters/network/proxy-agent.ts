import type { Agent as HttpAgent } from 'node:http'
import { globalAgent } from 'node:http'
import { globalAgent as secureGlobalAgent } from 'node:https'
import type { TlsOptions } from 'node:tls'
import { Agent, type AgentConnectOpts } from 'agent-base'
import { environmentProxy } from './proxy.ts'

/**
 * An agent whose connections go through a proxy: requests to https by a tunnel, requests to http as a proxy wants them.
 * @param options.tls what a proxy that is itself reached by https is trusted by
 */
export async function proxyAgent(
  proxy: URL,
  target: 'http:' | 'https:',
  options: { keepAlive: boolean; tls?: TlsOptions },
): Promise<HttpAgent> {
  const { keepAlive, tls } = options
  if (proxy.protocol.startsWith('socks5')) {
    const { SocksProxyAgent } = await import('socks-proxy-agent')
    return new SocksProxyAgent(proxy.href.replace(/^socks5h?:/, 'socks5h:'), { keepAlive })
  }
  if (target === 'http:') {
    const { HttpProxyAgent } = await import('http-proxy-agent')
    return new HttpProxyAgent(proxy, { keepAlive, ...tls })
  }
  const { HttpsProxyAgent } = await import('https-proxy-agent')
  const agent = new HttpsProxyAgent(proxy, { keepAlive, ...tls })
  // What the proxy says to a refused tunnel would be taken for an answer of the server behind it.
  agent.on('proxyConnect', ({ statusCode, statusText }, request) => {
    if (statusCode === 200) return
    request.destroy(new Error(`the proxy ${proxy.host} refused the connection: ${statusCode} ${statusText}`))
  })
  return agent
}

/** Sends each request through the proxy that the environment names for its address, where it names one. */
export class EnvironmentProxyAgent extends Agent {
  readonly #agents = new Map<string, Promise<HttpAgent>>()

  constructor() {
    super({ keepAlive: true })
  }

  override async connect(_request: unknown, options: AgentConnectOpts): Promise<HttpAgent> {
    const target = options.secureEndpoint ? 'https:' : 'http:'
    const proxy = environmentProxy(new URL(`${target}//${bracketed(options.host ?? '')}:${options.port}`))
    if (proxy === undefined) return options.secureEndpoint ? secureGlobalAgent : globalAgent
    const key = `${target} ${proxy.href}`
    const agent = this.#agents.get(key) ?? proxyAgent(proxy, target, { keepAlive: true })
    this.#agents.set(key, agent)
    return agent
  }

  override destroy(): void {
    for (const agent of this.#agents.values()) agent.then((each) => each.destroy()).catch(() => undefined)
    super.destroy()
  }
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
