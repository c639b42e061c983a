import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

type Fault = number | 'disconnect'

export interface S3Proxy {
  endpoint: string
  /** Requests whose address matches get this answer, so many times. */
  fail(pattern: RegExp, fault: Fault, times?: number): void
  /** How many requests got a fault since it was set. */
  failed(): number
  close(): Promise<void>
}

/** Stands before an S3 endpoint and answers chosen requests with a fault of the store, or with none at all. */
export async function startS3Proxy(target: string): Promise<S3Proxy> {
  const rule = { pattern: /^$/, fault: 500 as Fault, left: 0, failed: 0 }
  const forward = (incoming: IncomingMessage, response: ServerResponse) => {
    const { method, url, headers } = incoming
    const onward = request(new URL(url ?? '', target), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(response)
    })
    incoming.pipe(onward)
  }
  const server = createServer((incoming, response) => {
    if (rule.left === 0 || !rule.pattern.test(`${incoming.method} ${incoming.url}`)) {
      forward(incoming, response)
      return
    }
    rule.left -= 1
    rule.failed += 1
    // In the middle of what is sent.
    if (rule.fault === 'disconnect') incoming.once('data', () => incoming.socket.destroy())
    else {
      const status = rule.fault
      incoming.resume().once('end', () => {
        const code = status === 403 ? 'AccessDenied' : 'ServiceUnavailable'
        response.writeHead(status, { 'content-type': 'application/xml' })
        response.end(`<Error><Code>${code}</Code><Message>as the test wants it</Message></Error>`)
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fail: (pattern, fault, times = Infinity) =>
      Object.assign(rule, { pattern, fault, left: times, failed: 0 }),
    failed: () => rule.failed,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
