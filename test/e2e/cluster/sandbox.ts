import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { resources } from '../../../src/lib/adapters/kubernetes/resources.ts'
import { injectFaults } from '../../../src/lib/sandbox/fault-injection.ts'
import { CONTEXT } from '../../../src/lib/sandbox/instance.ts'
import { adminOf } from '../../../src/lib/sandbox/lifecycle.ts'
import type { ApiFaultInjection, Cluster, ClusterOptions, Endpoint } from './cluster.ts'
import { Gate } from './gate.ts'

/** Seconds of the sandbox's time per second. Faster, and the charts' deadlines would pass on a busy machine. */
const SPEED = 20
/** More changes than the sandbox keeps. */
const FORGOTTEN = 6_100

/** A sandbox of the project's own, which `emr` starts and stops. */
export async function openSandbox({ folder, linked, sandbox, emr }: ClusterOptions): Promise<Cluster> {
  const state = join(folder, '.emr/sandbox')
  const kubeconfig = join(state, 'kubeconfig')
  const own = { sandbox: { speed: SPEED, ...sandbox } }
  const gate = linked ? await Gate.open(() => Number(new URL(endpointIn(kubeconfig).server).port)) : undefined
  const admin = async () => {
    const client = adminOf(state)
    if (client === undefined) throw new Error('the sandbox is not running')
    return client
  }
  return {
    settings: gate ? { kubeconfig: 'linked', context: CONTEXT } : own,
    ...(gate && { host: { cluster: own } }),
    environment: async () => ({}),
    asks: gate !== undefined,
    kubeconfig,
    context: CONTEXT,
    start: async () => {
      await emr('sandbox', 'start')
      if (gate) writeFileSync(join(folder, 'linked'), throughGate(kubeconfig, gate.port), { mode: 0o600 })
    },
    faults: () => faultsOf(state, admin),
    get link() {
      if (gate === undefined) throw new Error('the project was not opened as linked')
      return gate
    },
    endpoint: async () => endpointIn(kubeconfig),
    admin,
    close: async () => {
      gate?.close()
      await emr('sandbox', 'stop')
    },
  }
}

function faultsOf(state: string, admin: Cluster['admin']): ApiFaultInjection {
  const injection = injectFaults(state)
  const forgetHistory = async (namespace: string) => {
    const client = await admin()
    let change = 0
    const writer = async () => {
      for (; change < FORGOTTEN; change += 1) {
        const patch = { metadata: { annotations: { change: String(change) } } }
        const options = { type: 'application/merge-patch+json' as const, namespace }
        await client.patch(resources.configMaps, 'task-service', patch, options)
      }
    }
    await Promise.all(Array.from({ length: 16 }, writer))
    client.close()
  }
  return { ...injection, forgetHistory }
}

function endpointIn(kubeconfig: string): Endpoint {
  const { clusters, users } = parse(readFileSync(kubeconfig, 'utf8'))
  const { server, 'certificate-authority-data': certificateAuthority } = clusters[0].cluster
  return { server, certificateAuthority, token: users[0].user.token }
}

function throughGate(kubeconfig: string, port: number): string {
  const config = parse(readFileSync(kubeconfig, 'utf8'))
  config.clusters[0].cluster.server = `https://127.0.0.1:${port}`
  return stringify(config)
}
