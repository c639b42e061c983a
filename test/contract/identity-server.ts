import { createServer as createHttpServer, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer, connect as netConnect, type Server, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Certificates } from './certificates.ts'

/** Whom an API server has before it. */
export interface Identity {
  path: string
  certificate?: string
  authorization?: string
  impersonate?: Record<string, string[]>
  /** How many tunnels and requests the proxies carry for it. */
  via?: string
}

export interface Listening {
  port: number
  close: () => void
}

/** Answers each request with the identity that it came with; `Bearer revoked` is not taken. */
function whoAmI(request: IncomingMessage): { status: number; body: object } {
  const { authorization } = request.headers
  if (authorization === 'Bearer revoked')
    return { status: 401, body: status(401, 'Unauthorized', 'Unauthorized') }
  if (request.url?.includes('forbidden'))
    return { status: 403, body: status(403, 'Forbidden', 'not for you') }
  const socket = request.socket as TLSSocket
  const subject = socket.authorized ? socket.getPeerCertificate().subject?.CN : undefined
  const impersonate = impersonated(request.rawHeaders)
  const identity: Identity = {
    path: request.url ?? '',
    ...(typeof subject === 'string' && { certificate: subject }),
    ...(authorization !== undefined && { authorization }),
    ...(Object.keys(impersonate).length > 0 && { impersonate }),
  }
  return { status: 200, body: identity }
}

function status(code: number, reason: string, message: string): object {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message }
}

function impersonated(raw: string[]): Record<string, string[]> {
  const found: Record<string, string[]> = {}
  for (let n = 0; n < raw.length; n += 2) {
    const name = raw[n]?.toLowerCase() ?? ''
    if (name.startsWith('impersonate-')) found[name] = [...(found[name] ?? []), raw[n + 1] ?? '']
  }
  return found
}

const answer: RequestListener = (request, response) => {
  const { status: code, body } = whoAmI(request)
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

export function serveHttp(): Promise<Listening> {
  return listen(createHttpServer(answer))
}

/** @param host an address of this machine */
export function serveHttps({ server, ca }: Certificates, host = '127.0.0.1'): Promise<Listening> {
  return listen(
    createHttpsServer({ ...server, ca, requestCert: true, rejectUnauthorized: false }, answer),
    host,
  )
}

/** An HTTP proxy; every name leads to this machine. `seen` gets what it was asked for, and by whom. */
export function serveProxy(seen: string[], tls?: Certificates, refusal?: string): Promise<Listening> {
  const proxy = tls ? createHttpsServer(tls.server) : createHttpServer()
  const note = (what: string, request: IncomingMessage) =>
    seen.push([what, request.headers['proxy-authorization']].filter(Boolean).join(' '))
  proxy.on('request', (request, response) => {
    note('request', request)
    answer(Object.assign(request, { url: new URL(request.url ?? '').pathname }), response)
  })
  proxy.on('connect', (request, client: Socket) => {
    note(`tunnel to ${request.url?.replace(/:\d+$/, '')}`, request)
    if (refusal) return client.end(`HTTP/1.1 ${refusal}\r\ncontent-length: 0\r\n\r\n`)
    join(client, Number(request.url?.split(':').at(-1)), () => client.write('HTTP/1.1 200 OK\r\n\r\n'))
  })
  return listen(proxy)
}

/** A SOCKS 5 proxy without authentication, for names and IPv4 addresses. */
export function serveSocks(seen: string[]): Promise<Listening> {
  const server = createServer((client) => {
    client.once('data', () => {
      client.write(Buffer.from([5, 0]))
      client.once('data', (request) => {
        const isName = request[3] === 3
        const length = isName ? (request[4] ?? 0) : 4
        const start = isName ? 5 : 4
        const address = request.subarray(start, start + length)
        seen.push(`socks to ${isName ? address.toString() : [...address].join('.')}`)
        const done = () => client.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]))
        join(client, request.readUInt16BE(start + length), done)
      })
    })
  })
  return listen(server)
}

function join(client: Socket, port: number, done: () => void): void {
  const upstream = netConnect(port, '127.0.0.1', () => {
    done()
    upstream.pipe(client).pipe(upstream)
  })
  upstream.on('error', () => client.destroy())
  client.on('error', () => upstream.destroy())
  client.on('close', () => upstream.destroy())
}

function listen(server: Server, host = '127.0.0.1'): Promise<Listening> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, host, () => {
      const { port } = server.address() as AddressInfo
      const close = () => {
        for (const socket of sockets) socket.destroy()
        server.close()
      }
      resolve({ port, close })
    })
  })
}
