import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/**
 * A TCP connection's way to a server, which can be disturbed without either end being told: what a VPN, a load balancer
 * or a firewall does to it. It knows nothing of TLS; both ends speak with each other.
 */
export class Gate {
  readonly port: number
  readonly #target: () => number
  readonly #sockets = new Set<Socket>()
  #server: Server
  #isFrozen = false
  /** In each direction. */
  #delayMs = 0

  private constructor(server: Server, port: number, target: () => number) {
    this.#server = server
    this.port = port
    this.#target = target
  }

  /** @param target the port of 127.0.0.1 that it leads to, asked for at each connection */
  static async open(target: () => number): Promise<Gate> {
    const server = createServer()
    await listen(server, 0)
    const gate = new Gate(server, (server.address() as AddressInfo).port, target)
    server.on('connection', (socket) => gate.#lead(socket))
    return gate
  }

  /** Nothing goes through any more, and nothing ends; new connections are accepted, as a kernel does by itself. */
  freeze(): void {
    this.#isFrozen = true
    for (const socket of this.#sockets) socket.pause()
  }

  /** What was on its way arrives. */
  thaw(): void {
    this.#isFrozen = false
    for (const socket of this.#sockets) socket.resume()
  }

  /** @param roundTripMs milliseconds that an answer takes longer; 0 for none */
  delay(roundTripMs: number): void {
    this.#delayMs = roundTripMs / 2
  }

  /** Breaks the open connections and refuses new ones, until `open` again. */
  shut(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  async reopen(): Promise<void> {
    this.#server = createServer((socket) => this.#lead(socket))
    await listen(this.#server, this.port)
  }

  close(): void {
    this.shut()
  }

  #lead(client: Socket): void {
    const server = connect(this.#target(), '127.0.0.1')
    this.#forward(client, server)
    this.#forward(server, client)
  }

  #forward(from: Socket, to: Socket): void {
    this.#sockets.add(from)
    from.setNoDelay(true)
    // In the order of their arrival, also where the delay has become shorter meanwhile.
    let before = Promise.resolve()
    const later = (work: () => void) => {
      const wait = this.#delayMs
      if (wait === 0) before = before.then(work)
      else {
        const due = new Promise<void>((resolve) => setTimeout(resolve, wait))
        before = Promise.all([before, due]).then(work)
      }
    }
    from.on('data', (chunk) => later(() => void to.write(chunk)))
    from.on('end', () => later(() => void to.end()))
    from.on('error', () => to.destroy())
    from.on('close', () => {
      this.#sockets.delete(from)
      later(() => to.destroySoon())
    })
    if (this.#isFrozen) from.pause()
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve())
  })
}
