import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { finished } from 'node:stream/promises'

/**
 * A status of HTTP; `disconnect` in the middle of the request; `cut` in the middle of the answer's body; `hang` for no answer
 * at all; `lost answer`: done as asked, but the answer is a 503.
 */
type Fault = number | 'disconnect' | 'cut' | 'hang' | 'lost answer'

export interface S3Proxy {
  endpoint: string
  /** Requests whose address matches get this answer, so many times. @returns resolves when the first one is there */
  fail(pattern: RegExp, fault: Fault, times?: number): Promise<void>
  /** How many requests got a fault since it was set. */
  failed(): number
  close(): Promise<void>
}

/** Stands before an S3 endpoint and answers chosen requests with a fault of the store, or with none at all. */
export async function startS3Proxy(target: string): Promise<S3Proxy> {
  const rule = { pattern: /^$/, fault: 500 as Fault, left: 0, failed: 0, first: () => {} }
  const forward = (incoming: IncomingMessage, onAnswer: (answer: IncomingMessage) => void) => {
    const { method, url, headers } = incoming
    incoming.pipe(request(new URL(url ?? '', target), { method, headers }, onAnswer))
  }
  const server = createServer((incoming, response) => {
    if (rule.left === 0 || !rule.pattern.test(`${incoming.method} ${incoming.url}`)) {
      forward(incoming, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(response)
      })
      return
    }
    rule.left -= 1
    rule.failed += 1
    rule.first()
    const { fault } = rule
    if (fault === 'hang') incoming.resume()
    else if (fault === 'disconnect') incoming.once('readable', () => incoming.socket.destroy())
    else if (fault === 'cut') forward(incoming, (answer) => cut(answer, response))
    else if (fault === 'lost answer')
      forward(incoming, async (answer) => {
        await finished(answer.resume())
        refuse(response, 503)
      })
    else incoming.resume().once('end', () => refuse(response, fault))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fail: (pattern, fault, times = Infinity) =>
      new Promise((first) => Object.assign(rule, { pattern, fault, left: times, failed: 0, first })),
    failed: () => rule.failed,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function refuse(response: ServerResponse, status: number): void {
  const code = { 403: 'AccessDenied', 412: 'PreconditionFailed' }[status] ?? 'ServiceUnavailable'
  response.writeHead(status, { 'content-type': 'application/xml' })
  response.end(`<Error><Code>${code}</Code><Message>as the test wants it</Message></Error>`)
}

/** All but the last byte, as late as can be. */
function cut(answer: IncomingMessage, response: ServerResponse): void {
  response.writeHead(answer.statusCode ?? 500, answer.headers)
  let left = Number(answer.headers['content-length']) - 1
  answer.on('data', (chunk: Buffer) => {
    const part = chunk.subarray(0, left)
    left -= part.length
    response.write(part, () => left === 0 && response.destroy())
  })
}
