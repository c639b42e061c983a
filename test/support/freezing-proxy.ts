import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'

/** A TCP proxy that can stop and say nothing: connections stay open and new ones are accepted, as by a hung load balancer. */
export interface FreezingProxy {
  port: number
  freeze: () => void
  thaw: () => void
  close: () => void
}

/** @param target port on the loopback interface */
export async function startFreezingProxy(target: number): Promise<FreezingProxy> {
  const sockets = new Set<Socket>()
  let frozen = false
  const server = createServer({ pauseOnConnect: true }, (client) => {
    const upstream = connect(target, '127.0.0.1')
    const pair = [client, upstream]
    for (const socket of pair) {
      sockets.add(socket)
      socket.on('close', () => {
        for (const each of pair) {
          sockets.delete(each)
          each.destroy()
        }
      })
      socket.on('error', () => undefined)
    }
    // By hand, since pipe() would resume what is frozen.
    client.on('data', (chunk) => upstream.write(chunk))
    upstream.on('data', (chunk) => client.write(chunk))
    for (const socket of pair) frozen ? socket.pause() : socket.resume()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    freeze: () => {
      frozen = true
      for (const socket of sockets) socket.pause()
    },
    thaw: () => {
      frozen = false
      for (const socket of sockets) socket.resume()
    },
    close: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
