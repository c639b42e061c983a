import { createServer, connect as dial, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import type { DatabaseConnection } from '../../../src/lib/adapters/postgres/connection.ts'
import { freePort } from '../../support/ports.ts'

interface Held {
  /** Resolves when a client has sent it; the server does not know of it yet. */
  seen: Promise<void>
  /** Lets it go to the server. */
  release(): void
  /** Ends both connections; the server never knows of it. */
  drop(): void
}

export interface DatabaseProxy {
  connection: DatabaseConnection
  /** Holds back the next thing that a client sends with this text in it. */
  hold(text: string): Held
}

/** Stands before a server and stops a client at a chosen statement, until the test lets it go on or has killed it. */
export async function startDatabaseProxy(target: DatabaseConnection): Promise<DatabaseProxy> {
  const holds = new Set<{ text: string; arrived: () => void; released: Promise<boolean> }>()
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = dial(target.port, target.host)
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => {}).on('close', () => other.destroy())
    }
    upstream.pipe(client)
    client.on('data', async (chunk) => {
      const hold = [...holds].find(({ text }) => chunk.includes(text))
      if (hold) {
        holds.delete(hold)
        client.pause()
        hold.arrived()
        if (!(await hold.released)) {
          client.destroy()
          return
        }
        client.resume()
      }
      upstream.write(chunk)
    })
  })
  const port = await freePort()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return {
    connection: { ...target, port },
    hold: (text) => {
      const seen = Promise.withResolvers<void>()
      const released = Promise.withResolvers<boolean>()
      holds.add({ text, arrived: seen.resolve, released: released.promise })
      const end = (goesOn: boolean) => () => released.resolve(goesOn)
      return { seen: seen.promise, release: end(true), drop: end(false) }
    },
  }
}
