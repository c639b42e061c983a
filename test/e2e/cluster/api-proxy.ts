import type { IncomingMessage, ServerResponse } from 'node:http'
import { Agent, createServer, request as httpsRequest, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type ApiFaults, FaultPlan } from '../../../src/lib/sandbox/api/faults.ts'
import { StatusError } from '../../../src/lib/sandbox/api/status.ts'
import type { Credentials } from '../../../src/lib/sandbox/credentials.ts'

/** Answers a request in the server's place, or leaves it to it. */
export type Interception = (request: IncomingMessage, response: ServerResponse) => Promise<boolean>

/** What API Priority and Fairness answers, which writes no Status. */
const THROTTLED = 'Too many requests, please try again later.\n'

/** HTTPS in front of a real API server, which can be told to answer as an overloaded or faulty one. */
export class ApiProxy {
  readonly port: number
  readonly #server: Server
  readonly #plan = new FaultPlan()
  readonly #upstream: URL
  readonly #agent: Agent
  readonly #intercept: Interception
  /** Answers that last: watches and followed logs. */
  readonly #streams = new Set<ServerResponse>()
  /** Watches from before this resourceVersion get the answer that their history is gone. */
  #forgottenBefore = 0

  private constructor(server: Server, upstream: URL, ca: string, intercept: Interception) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
    this.#upstream = upstream
    this.#agent = new Agent({ keepAlive: true, ca })
    this.#intercept = intercept
    server.on('request', (request, response) => void this.#handle(request, response))
  }

  /** @param upstream address of the API server, whose certificate `ca` has signed */
  static async open(
    { ca, cert, key }: Credentials,
    upstream: { server: string; ca: string },
    intercept: Interception,
  ): Promise<ApiProxy> {
    const server = createServer({ cert: `${cert}\n${ca}`, key, keepAliveTimeout: 60_000 })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new ApiProxy(server, new URL(upstream.server), upstream.ca, intercept)
  }

  set(faults: ApiFaults): void {
    this.#plan.set(faults)
  }

  /** Ends all open watches and followed logs, as an API server does after their timeout. @returns how many */
  dropWatches(): number {
    const open = [...this.#streams]
    for (const response of open) response.end()
    return open.length
  }

  forgetBefore(resourceVersion: number): void {
    this.#forgottenBefore = resourceVersion
  }

  close(): void {
    this.#agent.destroy()
    this.#server.closeAllConnections()
    this.#server.close()
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.on('error', () => undefined)
    response.on('error', () => undefined)
    const { latencyMs, refuseTokens } = this.#plan.current
    if (latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, latencyMs))
    try {
      if (!refuseTokens) this.#plan.strike(request.method ?? 'GET', request.url ?? '/')
      if (this.#isForgotten(request)) tellForgotten(response)
      else if (!(await this.#intercept(request, response))) this.#forward(request, response, refuseTokens)
    } catch (error) {
      tell(response, error)
    }
  }

  #forward(request: IncomingMessage, response: ServerResponse, refuseTokens: boolean): void {
    const { method, url = '/', headers } = request
    // The server itself says what it says of a token that it does not know.
    const authorization = refuseTokens ? 'Bearer expired' : headers.authorization
    const upstream = httpsRequest(new URL(url, this.#upstream), {
      method,
      agent: this.#agent,
      headers: { ...headers, host: this.#upstream.host, ...(authorization && { authorization }) },
    })
    upstream.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      response.flushHeaders()
      if (isStream(url)) this.#streams.add(response)
      answer.on('error', () => response.destroy())
      answer.pipe(response)
    })
    upstream.on('error', () => response.destroy())
    response.on('close', () => {
      this.#streams.delete(response)
      upstream.destroy()
    })
    request.pipe(upstream)
  }

  #isForgotten({ url = '' }: IncomingMessage): boolean {
    const { searchParams } = new URL(url, this.#upstream)
    const since = Number(searchParams.get('resourceVersion') ?? 0)
    return /^(true|1)$/.test(searchParams.get('watch') ?? '') && since > 0 && since < this.#forgottenBefore
  }
}

function isStream(url: string): boolean {
  return /[?&](watch|follow)=(true|1)(&|$)/.test(url)
}

function tell(response: ServerResponse, error: unknown): void {
  const failure = error instanceof StatusError ? error : new StatusError(500, 'InternalError', String(error))
  const retryAfter = failure.details?.retryAfterSeconds
  if (retryAfter !== undefined) response.setHeader('retry-after', String(retryAfter))
  if (failure.code === 429) {
    response.writeHead(429, { 'content-type': 'text/plain; charset=utf-8' }).end(THROTTLED)
    return
  }
  response.writeHead(failure.code, { 'content-type': 'application/json' })
  response.end(JSON.stringify(failure.toStatus()))
}

/** As kube-apiserver does where the watch cache has lost what a watch asks for: in the stream, not by the status. */
function tellForgotten(response: ServerResponse): void {
  const gone = new StatusError(410, 'Expired', 'too old resource version: 1 (2)')
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(`${JSON.stringify({ type: 'ERROR', object: gone.toStatus() })}\n`)
}
