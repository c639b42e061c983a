import type { IncomingMessage } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { LineSplitter } from '../../domain/lines.ts'
import {
  isAdmissionError,
  isApiError,
  isTransient,
  KubernetesApiError,
  KubernetesConnectionError,
} from './api-error.ts'
import { Connections } from './connections.ts'
import type { Credentials } from './exec-credential.ts'
import type { ClusterAccess } from './kubeconfig.ts'
import type { ApiStatus } from './types.ts'

export interface RequestOptions {
  query?: Record<string, string | number | boolean | undefined>
  body?: unknown
  contentType?: string
  accept?: string
  signal?: AbortSignal
  /** Milliseconds to the end of the answer. Default 30,000. */
  timeoutMs?: number
  /** Milliseconds without a byte from the server. Default 30,000 where the answer has an end, else none. */
  idleMs?: number
  /** Tries in all where the server is throttled, faulty or out of reach. Default: 5 at least, for `patienceMs`. */
  attempts?: number
}

export interface LinesOptions extends RequestOptions {
  /** Characters to keep of each line. */
  most?: number
  onOpen?: () => void
  /** Called when the answer has ended by itself. */
  onEnd?: (bytes: number) => void
}

/** An answer is held in memory, and Node has no longer text than four times this. */
const MOST_BYTES = 128 * 1024 * 1024
/** What is read of the body of an error, and of a service behind the proxy. */
const MOST_BODY_BYTES = 1024 * 1024
const DEFAULT_TIMEOUT_MS = 30_000
const FIRST_BACKOFF_MS = 200
const MAX_BACKOFF_MS = 1_000
const ATTEMPTS = 5

/**
 * Requests to one API server, by path: a whole request costs less than importing a general client library.
 */
export class KubernetesTransport {
  readonly access: ClusterAccess
  /** How long, in milliseconds, a server may be throttled, faulty or out of reach before that is an error. */
  patienceMs = 0
  /** Since when it is, by the monotonic clock; a server that is away is not waited for by each request anew. */
  #awaySince: number | undefined
  readonly #connections: Connections
  /** What to add to this machine's clock for the server's. */
  #clockOffset = 0

  constructor(access: ClusterAccess) {
    this.access = access
    this.#connections = new Connections(access)
  }

  /** The lines of a streamed answer (watch, pod logs), as they arrive. */
  async *lines(path: string, options: LinesOptions = {}): AsyncGenerator<string> {
    const response = await this.send('GET', path, { ...options, timeoutMs: 0 })
    options.onOpen?.()
    const splitter = new LineSplitter(options.most)
    const decoder = new TextDecoder()
    let bytes = 0
    try {
      for await (const chunk of response) {
        bytes += chunk.length
        for (const line of splitter.push(decoder.decode(chunk, { stream: true }))) if (line !== '') yield line
      }
    } catch (error) {
      throw new KubernetesConnectionError(this.access.server, error as Error)
    } finally {
      response.destroy()
    }
    const rest = splitter.end()
    if (rest !== undefined) yield rest
    options.onEnd?.(bytes)
  }

  /** A whole answer as text, for example a finished pod's log. */
  async text(method: string, path: string, options: RequestOptions = {}): Promise<string> {
    return this.retrying(options, async () => {
      const response = await this.send(method, path, options)
      return readAll(response, this.access.server)
    })
  }

  /** A whole answer as JSON. */
  async json<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
    const text = await this.text(method, path, { accept: 'application/json', ...options })
    return answerOf<T>(this.access.server, text)
  }

  /** One request and its answer, whatever its status, without another try: for what stands behind a proxy. */
  async exchange(
    method: string,
    path: string,
    options: RequestOptions & { headers?: Record<string, string> } = {},
  ): Promise<{ status: number; headers: IncomingMessage['headers']; body: string }> {
    const response = await this.#open(method, path, options, await this.#credentials())
    const body = await readStart(response, this.access.server)
    return { status: response.statusCode ?? 500, headers: response.headers, body }
  }

  /** Epoch milliseconds by the server's clock, as its last answer had it; to the second, and never ahead of it. */
  serverNow(): number {
    return Math.floor((Date.now() + this.#clockOffset) / 1000) * 1000
  }

  /** Ends kept-alive connections. */
  close(): void {
    this.#connections.close()
  }

  /** Tries again where the server is throttled, faulty or out of reach. */
  protected async retrying<T>(options: RequestOptions, attempt: () => Promise<T>): Promise<T> {
    const { attempts = ATTEMPTS } = options
    for (let n = 1; ; n += 1) {
      try {
        const answer = await attempt()
        this.#awaySince = undefined
        return answer
      } catch (error) {
        if (!isTransient(error)) {
          // Refused, and so answered.
          if (error instanceof KubernetesApiError) this.#awaySince = undefined
          throw error
        }
        this.#awaySince ??= performance.now()
        // An outage of the server is waited out; a webhook that does not answer is its operator's to fix.
        const isPatient =
          options.attempts === undefined &&
          !isAdmissionError(error) &&
          performance.now() - this.#awaySince < this.patienceMs
        if ((n >= attempts && !isPatient) || options.signal?.aborted) throw error
        const asked = error instanceof KubernetesApiError ? error.retryAfterMs : undefined
        const pause = asked ?? Math.min(FIRST_BACKOFF_MS * 2 ** (n - 1), MAX_BACKOFF_MS)
        await delay(pause, undefined, { signal: options.signal })
      }
    }
  }

  /**
   * One request, and its answer as a stream. Credentials that the server does not take are made anew once, where they
   * can be: a token may have been revoked before its time.
   * @throws {KubernetesApiError} when it is refused
   */
  protected async send(method: string, path: string, options: RequestOptions): Promise<IncomingMessage> {
    const credentials = await this.#credentials()
    try {
      return await this.#sendAs(credentials, method, path, options)
    } catch (error) {
      if (!isApiError(error, 401) || this.access.refuse === undefined) throw error
      this.access.refuse(credentials)
      const others = await this.#credentials()
      if (sameIdentity(others, credentials)) throw error
      return this.#sendAs(others, method, path, options)
    }
  }

  async #sendAs(
    credentials: Credentials,
    method: string,
    path: string,
    options: RequestOptions,
  ): Promise<IncomingMessage> {
    const response = await this.#open(method, path, options, credentials)
    if ((response.statusCode ?? 500) >= 400) throw await refusal(method, path, response, this.access)
    return response
  }

  async #credentials(): Promise<Credentials> {
    return (await this.access.credentials?.()) ?? {}
  }

  async #open(
    method: string,
    path: string,
    options: RequestOptions & { headers?: Record<string, string> },
    credentials: Credentials,
  ): Promise<IncomingMessage> {
    options.signal?.throwIfAborted()
    const url = new URL(this.access.server + path)
    for (const [key, value] of Object.entries(options.query ?? {})) {
      if (value !== undefined) url.searchParams.set(key, String(value))
    }
    const body = bodyOf(options.body)
    const { signal } = options
    const headers = {
      ...options.headers,
      ...this.access.headers,
      accept: options.accept ?? '*/*',
      'user-agent': 'emr',
      ...(credentials.authorization !== undefined && { authorization: credentials.authorization }),
      ...(body !== undefined && {
        'content-type': options.contentType ?? 'application/json',
        'content-length': body.length,
      }),
    }
    const request = await this.#connections.request(url, { method, headers, signal }, credentials)
    return new Promise<IncomingMessage>((resolve, reject) => {
      let response: IncomingMessage | undefined
      request.on('response', (answer) => {
        response = answer
        const date = Date.parse(answer.headers.date ?? '')
        if (date > 0) this.#clockOffset = date - Date.now()
        resolve(answer)
      })
      request.on('error', (error) =>
        reject(signal?.aborted ? error : new KubernetesConnectionError(this.access.server, error)),
      )
      const { timeoutMs = DEFAULT_TIMEOUT_MS, idleMs = timeoutMs && DEFAULT_TIMEOUT_MS } = options
      const giveUp = (why: string) => {
        const error = new Error(why)
        response?.destroy(error)
        request.destroy(error)
      }
      if (idleMs > 0) request.setTimeout(idleMs, () => giveUp(`silent for ${idleMs} ms`))
      if (timeoutMs > 0) {
        const deadline = setTimeout(() => giveUp(`no answer within ${timeoutMs} ms`), timeoutMs)
        request.on('close', () => clearTimeout(deadline))
      }
      request.end(body)
    })
  }
}

function sameIdentity(a: Credentials, b: Credentials): boolean {
  return a.authorization === b.authorization && a.cert === b.cert
}

/** @throws {KubernetesConnectionError} where it is no JSON object, as from a login page or another server than is meant */
export function answerOf<T>(server: string, text: string): T {
  try {
    const answer: unknown = JSON.parse(text)
    if (typeof answer === 'object' && answer !== null && !Array.isArray(answer)) return answer as T
  } catch {}
  throw new KubernetesConnectionError(server, new Error('its answer is not JSON of an API server'))
}

/** Bytes go out as they are, everything else as JSON. */
function bodyOf(body: unknown): Buffer | undefined {
  if (body === undefined || Buffer.isBuffer(body)) return body
  return Buffer.from(JSON.stringify(body))
}

async function readAll(response: IncomingMessage, server: string): Promise<string> {
  const { text, isWhole } = await read(response, server, MOST_BYTES)
  if (isWhole) return text
  throw new KubernetesConnectionError(server, new Error(`its answer is longer than ${MOST_BYTES} bytes`))
}

async function readStart(response: IncomingMessage, server: string): Promise<string> {
  return (await read(response, server, MOST_BODY_BYTES)).text
}

async function read(
  response: IncomingMessage,
  server: string,
  most: number,
): Promise<{ text: string; isWhole: boolean }> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  try {
    for await (const chunk of response) {
      bytes += chunk.length
      if (bytes > most) return { text, isWhole: false }
      text += decoder.decode(chunk, { stream: true })
    }
  } catch (error) {
    throw new KubernetesConnectionError(server, error as Error)
  }
  return { text, isWhole: true }
}

async function refusal(
  method: string,
  path: string,
  response: IncomingMessage,
  { server, login }: ClusterAccess,
): Promise<KubernetesApiError> {
  const text = await readStart(response, server)
  let body: ApiStatus
  try {
    body = JSON.parse(text) as ApiStatus
  } catch {
    body = { message: text.trim() || undefined }
  }
  const retryAfter = Number(response.headers['retry-after'])
  return new KubernetesApiError(response.statusCode ?? 500, body, {
    request: `${method} ${path}`,
    retryAfterMs: retryAfter > 0 ? retryAfter * 1000 : undefined,
    login,
  })
}
