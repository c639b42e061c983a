import { existsSync, readFileSync } from 'node:fs'
import type { Server as HttpServer } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import { KubernetesClient } from '../adapters/kubernetes/client.ts'
import type { ClusterAccess } from '../adapters/kubernetes/kubeconfig.ts'
import { createAdmin } from './admin.ts'
import { FaultPlan } from './api/faults.ts'
import { Registry } from './api/registry.ts'
import { createApiServer } from './api/server.ts'
import { bootstrap } from './bootstrap.ts'
import { startControllers } from './controllers/controllers.ts'
import { type Credentials, ensureCredentials, keepKubeconfig } from './credentials.ts'
import { createIngress } from './ingress/ingress.ts'
import {
  CONTEXT,
  instanceFiles,
  readJson,
  readText,
  type ServerState,
  serverStateSchema,
  writePrivate,
} from './instance.ts'
import { type SandboxSettings, sandboxSettingsSchema } from './settings.ts'
import { Store } from './store/store.ts'

/** How often the server looks whether it can still be found by its files. */
const FILES_MS = 1_000
/** How often expired events are removed and idleness is looked at. */
const HOUSEKEEPING_MS = 5_000
/** The API server keeps events for an hour. */
const EVENT_LIFE_MS = 3_600_000

type ApiServer = ReturnType<typeof createApiServer>

/** Everything that one sandbox process runs; see serveSandbox. */
export class SandboxServer {
  readonly #folder: string
  readonly #settings: SandboxSettings
  readonly #credentials: Credentials
  readonly #store: Store
  readonly #faults = new FaultPlan()
  readonly #outside: ApiServer
  readonly #inside: ApiServer
  readonly #ingress: HttpServer
  readonly #startedAt = new Date().toISOString()
  readonly #end = Promise.withResolvers<void>()
  #state: ServerState | undefined
  #lastUse = Date.now()
  #stopControllers: (() => void) | undefined
  #timers: NodeJS.Timeout[] = []
  /** By path: what clients find the server by. */
  readonly #files = new Map<string, string>()

  private constructor(folder: string, settings: SandboxSettings, credentials: Credentials) {
    this.#folder = folder
    this.#settings = settings
    this.#credentials = credentials
    this.#store = new Store(instanceFiles(folder).journal)
    const faults = this.#faults
    const onUse = () => {
      this.#lastUse = Date.now()
    }
    const common = {
      api: {
        store: this.#store,
        registry: new Registry(this.#store),
        settings,
        isDenied: (verb: string, resource: string) => faults.isDenied(verb, resource),
        denies: () => faults.denies,
      },
      tls: { cert: `${credentials.cert}\n${credentials.ca}`, key: credentials.key },
      token: credentials.token,
      faults,
      onUse,
      admin: createAdmin({
        faults,
        outside: () => ({ ...this.#outside, port: this.#state?.port ?? 0 }),
        status: () => this.#status(),
        stop: () => this.stop(),
      }),
    }
    this.#outside = createApiServer({ ...common, isInside: false })
    this.#inside = createApiServer({ ...common, isInside: true })
    this.#ingress = createIngress(this.#store, onUse)
  }

  /** Takes up what an earlier server left in the folder. @returns when clients can use it */
  static async start(folder: string): Promise<SandboxServer> {
    const settings = readJson(instanceFiles(folder).settings, sandboxSettingsSchema)
    const chosen = settings ?? sandboxSettingsSchema.parse({})
    const server = new SandboxServer(folder, chosen, await ensureCredentials(folder))
    await server.#listen()
    return server
  }

  /** Settles when everything is closed and stored. */
  get stopped(): Promise<void> {
    return this.#end.promise
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer)
    this.#stopControllers?.()
    for (const server of [this.#outside.server, this.#inside.server, this.#ingress]) {
      server.close()
      server.closeAllConnections()
    }
    try {
      this.#store.close()
    } catch (error) {
      // Where the folder was removed there is nothing to keep; the rest has to end all the same.
      if (existsSync(this.#folder)) throw error
    }
    this.#end.resolve()
  }

  async #listen(): Promise<void> {
    const files = instanceFiles(this.#folder)
    const before = readJson(files.server, serverStateSchema)
    const state: ServerState = {
      pid: process.pid,
      port: await listen(this.#outside.server, before?.port),
      insidePort: await listen(this.#inside.server, before?.insidePort),
      ingressPort: await listen(this.#ingress, before?.ingressPort),
    }
    const access = this.#access(state.insidePort)
    const client = new KubernetesClient(access)
    await bootstrap(client, this.#settings)
    client.close()
    keepKubeconfig(this.#folder, this.#credentials, `https://127.0.0.1:${state.port}`)
    writePrivate(this.#folder, files.server, JSON.stringify(state))
    this.#state = state
    for (const file of [files.server, files.credentials, files.kubeconfig]) {
      this.#files.set(file, readFileSync(file, 'utf8'))
    }
    this.#stopControllers = startControllers(access, this.#settings)
    const period = Math.min(HOUSEKEEPING_MS, Math.max(50, this.#settings.idleMinutes * 30_000))
    this.#timers = [
      setInterval(() => this.#keepHouse(), period),
      setInterval(() => this.#keepFiles(), FILES_MS),
    ]
  }

  /** Without its files nobody finds the server any more, to use it or to stop it. */
  #keepFiles(): void {
    if (!existsSync(instanceFiles(this.#folder).lock)) {
      this.stop()
      return
    }
    for (const [file, content] of this.#files) {
      if (readText(file) !== content) writePrivate(this.#folder, file, content)
    }
  }

  #access(port: number): ClusterAccess {
    const { ca, token } = this.#credentials
    return {
      kubeconfig: instanceFiles(this.#folder).kubeconfig,
      context: CONTEXT,
      server: `https://127.0.0.1:${port}`,
      tls: { ca },
      credentials: async () => ({ authorization: `Bearer ${token}` }),
    }
  }

  #status(): object | undefined {
    if (!this.#state) return undefined
    const lastUse = new Date(this.#lastUse).toISOString()
    return { ...this.#state, startedAt: this.#startedAt, settings: this.#settings, lastUse }
  }

  #keepHouse(): void {
    const oldest = Date.now() - EVENT_LIFE_MS
    for (const { object } of this.#store.list('events')) {
      const time = object.lastTimestamp ?? object.eventTime ?? object.metadata.creationTimestamp
      if (Date.parse(String(time)) < oldest) this.#store.delete('events', object)
    }
    if (this.#outside.streams.size > 0) this.#lastUse = Date.now()
    const { idleMinutes } = this.#settings
    if (idleMinutes > 0 && Date.now() - this.#lastUse > idleMinutes * 60_000) this.stop()
  }
}

/** Listens on the loopback port of the last time, or on any free one. @returns the port */
async function listen(server: Server, wanted = 0): Promise<number> {
  try {
    return await listenOn(server, wanted)
  } catch (error) {
    if (wanted === 0 || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    return listenOn(server, 0)
  }
}

function listenOn(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      resolve((server.address() as AddressInfo).port)
    })
  })
}
