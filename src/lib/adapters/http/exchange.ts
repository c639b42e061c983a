import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { TLSSocket } from 'node:tls'
import type { HttpAnswer } from '../../domain/smoke-test/evaluate.ts'

export interface HttpRequest {
  url: string
  method: string
  headers: Record<string, string>
  body?: string
  timeoutMs: number
}

const BODY_LIMIT = 1_048_576

/**
 * One HTTP request on a connection of its own; redirects are not followed, certificates are checked.
 * @throws {Error} when there is no answer within the time, or none that can be trusted
 */
export async function exchange(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
  const url = new URL(request.url)
  const limit = AbortSignal.timeout(request.timeoutMs)
  const startedAt = performance.now()
  try {
    const response = await open(url, request, AbortSignal.any([signal, limit]))
    const tls = tlsOf(response)
    const body = await readBody(response)
    return {
      status: response.statusCode ?? 0,
      headers: Object.fromEntries(
        Object.entries(response.headers).map(([key, value]) => [key, String(value)]),
      ),
      body,
      durationMs: performance.now() - startedAt,
      ...(tls && { tls }),
    }
  } catch (error) {
    signal.throwIfAborted()
    if (limit.aborted) throw new Error(`${url.origin}: no answer within ${request.timeoutMs} ms`)
    throw new Error(`${url.origin}: ${(error as Error).message || (error as NodeJS.ErrnoException).code}`)
  }
}

function open(
  url: URL,
  { method, headers, body }: HttpRequest,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    const options = { method, signal, agent: false, headers: { 'user-agent': 'emr', ...headers } }
    send(url, options).on('response', resolve).on('error', reject).end(body)
  })
}

async function readBody(response: IncomingMessage): Promise<string> {
  response.setEncoding('utf8')
  let text = ''
  for await (const chunk of response) {
    text += chunk
    if (text.length > BODY_LIMIT) break
  }
  return text
}

function tlsOf({ socket }: IncomingMessage): HttpAnswer['tls'] {
  if (!('encrypted' in socket)) return undefined
  const secure = socket as TLSSocket
  const version = secure.getProtocol()?.replace('TLSv', '') ?? ''
  return { version, validTo: Date.parse(secure.getPeerCertificate().valid_to) }
}
