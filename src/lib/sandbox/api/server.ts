import { timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'
import { messageOf } from '../../errors.ts'
import type { FaultPlan } from './faults.ts'
import { handle } from './handle.ts'
import type { Answer, Api } from './request.ts'
import { refuse, StatusError } from './status.ts'

export interface ServerOptions {
  api: Api
  tls: { cert: string; key: string }
  token: string
  faults: FaultPlan
  /** The sandbox's own endpoints below /sandbox, for whoever has the token. */
  admin: (method: string, path: string, body: Buffer, query: URLSearchParams) => Promise<Answer | undefined>
  /** True for the listener of the sandbox's own controllers: no faults, and no use that keeps it alive. */
  isInside: boolean
  /** Called at each use from outside, also while a watch stays open. */
  onUse?: () => void
}

/** The HTTPS server of the API. Open streams are in `streams`, so that watches can be dropped. */
export function createApiServer(options: ServerOptions): { server: Server; streams: Set<ServerResponse> } {
  const streams = new Set<ServerResponse>()
  const server = createServer(
    { ...options.tls, keepAlive: true, noDelay: true, ALPNProtocols: ['http/1.1'] },
    (request, response) => {
      respond(options, request, response, streams).catch((error) => fail(response, error))
    },
  )
  server.requestTimeout = 0
  server.keepAliveTimeout = 65_000
  return { server, streams }
}

async function respond(
  options: ServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
  streams: Set<ServerResponse>,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'https://sandbox')
  const method = request.method ?? 'GET'
  authenticate(request, options.token)
  const body = await readBody(request)
  const isAdmin = url.pathname.startsWith('/sandbox/')
  if (!options.isInside && !isAdmin) {
    options.onUse?.()
    const { latencyMs } = options.faults.current
    if (latencyMs > 0) await delay(latencyMs)
    options.faults.strike(method, request.url ?? '/')
  }
  const answer = isAdmin
    ? await options.admin(method, url.pathname, body, url.searchParams)
    : handle(options.api, { method, url, headers: request.headers, body }, options.isInside)
  if (!answer) throw refuse.noSuchPath()
  if ('stream' in answer) {
    streams.add(response)
    response.on('close', () => {
      streams.delete(response)
      if (!options.isInside) options.onUse?.()
    })
    answer.stream(response)
  } else {
    send(response, answer)
  }
}

function authenticate({ headers }: IncomingMessage, token: string): void {
  const given = Buffer.from(headers.authorization ?? '')
  const wanted = Buffer.from(`Bearer ${token}`)
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) throw refuse.unauthorized()
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function send(response: ServerResponse, answer: Exclude<Answer, { stream: unknown }>): void {
  const headers: Record<string, string | string[]> = {
    'content-type': answer.contentType ?? 'application/json',
  }
  let body: string | Buffer
  if ('json' in answer) {
    body = typeof answer.json === 'string' ? answer.json : JSON.stringify(answer.json)
    if (answer.warnings?.length) headers.warning = answer.warnings.map(warningHeader)
  } else {
    body = answer.text
    Object.assign(headers, answer.headers)
  }
  response.writeHead(answer.code ?? 200, { ...headers, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

/** RFC 7234: code, agent, quoted text. */
function warningHeader(text: string): string {
  return `299 - "${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}

function fail(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const refusal = error instanceof StatusError ? error : internal(error)
  const retryAfter = refusal.details?.retryAfterSeconds
  const body = JSON.stringify(refusal.toStatus())
  response.writeHead(refusal.code, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
  })
  response.end(body)
}

/** A bug of the sandbox: the client gets a 500, the log the stack. */
function internal(error: unknown): StatusError {
  console.error(error)
  return new StatusError(500, 'InternalError', `Internal error occurred: ${messageOf(error)}`)
}
