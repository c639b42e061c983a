import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { stringify } from 'yaml'
import { isApiError } from '../../../src/lib/adapters/kubernetes/api-error.ts'
import { KubernetesClient } from '../../../src/lib/adapters/kubernetes/client.ts'
import { loadClusterAccess } from '../../../src/lib/adapters/kubernetes/kubeconfig.ts'
import { resources } from '../../../src/lib/adapters/kubernetes/resources.ts'
import type { KubernetesObject, ResourceType } from '../../../src/lib/adapters/kubernetes/types.ts'
import { type ApiFaults, apiFaultsSchema } from '../../../src/lib/sandbox/api/faults.ts'
import { type Credentials, ensureCredentials } from '../../../src/lib/sandbox/credentials.ts'
import { ApiProxy } from './api-proxy.ts'
import { Backends } from './backends.ts'
import type { ApiFaultInjection, Cluster, ClusterOptions } from './cluster.ts'
import { Gate } from './gate.ts'
import { allBut } from './rights.ts'

/** Where the users of the tests are. */
const USERS = 'emr-e2e'
const CONTEXT = 'real'
const TOKEN_SECONDS = 24 * 3600

const rbac = (kind: string, plural: string, namespaced = false): ResourceType => ({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind,
  plural,
  namespaced,
})
const CLUSTER_ROLES = rbac('ClusterRole', 'clusterroles')
const BINDINGS = rbac('ClusterRoleBinding', 'clusterrolebindings')
const SERVICE_ACCOUNTS: ResourceType = {
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  namespaced: true,
}

/**
 * A real control plane. emr comes in as a user of the project's own, over a gate and a proxy, which make what a network
 * and an overloaded server do; kubectl and helm look past both.
 */
export async function openReal(options: ClusterOptions): Promise<Cluster> {
  const [shared = '', context = ''] = (process.env.EMR_E2E_CLUSTER ?? '').split(/:(.*)/s)
  const access = await loadClusterAccess(shared, context, {
    run: () => Promise.reject(new Error('no program is needed')),
  })
  const admin = new KubernetesClient(access)
  const credentials = await ensureCredentials(join(options.folder, '.proxy'))
  const backends = new Backends(admin)
  const upstream = { server: access.server, ca: access.tls.ca ?? '' }
  const proxy = await ApiProxy.open(credentials, upstream, (...asked) => backends.answer(...asked))
  const gate = await Gate.open(() => proxy.port)
  const user = new User(admin, `user-${options.unique}`)
  const token = await user.make()
  const server = `https://127.0.0.1:${gate.port}`
  writeFileSync(join(options.folder, CONTEXT), kubeconfig(server, credentials, token), { mode: 0o600 })
  const closing: (() => void)[] = []
  return {
    settings: { kubeconfig: CONTEXT, context: CONTEXT },
    environment: async (namespace) => {
      const { url, close } = await backends.listen(namespace)
      closing.push(close)
      return { gateway: url }
    },
    asks: true,
    kubeconfig: shared,
    context,
    start: async () => undefined,
    faults: () => faultsOf(proxy, gate, user, admin),
    link: gate,
    endpoint: async () => ({
      server,
      certificateAuthority: Buffer.from(credentials.ca).toString('base64'),
      token,
    }),
    admin: async () => admin,
    close: async (namespaces) => {
      for (const close of closing) close()
      gate.close()
      proxy.close()
      await Promise.all(namespaces.map((name) => ignoring404(admin.delete(resources.namespaces, name))))
      await user.remove()
      admin.close()
    },
  }
}

function faultsOf(proxy: ApiProxy, gate: Gate, user: User, admin: KubernetesClient): ApiFaultInjection {
  const set = async (faults: ApiFaults) => {
    await user.deny(faults.denied)
    proxy.set(faults)
  }
  return {
    set: (faults) => set(apiFaultsSchema.parse(faults)),
    clear: () => set(apiFaultsSchema.parse({})),
    dropWatches: async () => proxy.dropWatches(),
    silence: async (seconds) => {
      gate.shut()
      void delay(seconds * 1000).then(() => gate.reopen())
    },
    forgetHistory: async () => {
      const { metadata } = await admin.list(resources.configMaps, { limit: 1 })
      proxy.forgetBefore(Number(metadata?.resourceVersion))
    },
    close: () => undefined,
  }
}

/** A service account that may do everything, but for what a test denies it. */
class User {
  readonly #admin: KubernetesClient
  readonly #name: string
  #isRestricted = false

  constructor(admin: KubernetesClient, name: string) {
    this.#admin = admin
    this.#name = name
  }

  /** @returns its token */
  async make(): Promise<string> {
    await ignoring409(this.#admin.create(resources.namespaces, { metadata: { name: USERS } }))
    await this.#admin.create(SERVICE_ACCOUNTS, { metadata: { name: this.#name } }, { namespace: USERS })
    await this.#bind(this.#name, 'cluster-admin')
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest' }
    const path = `/api/v1/namespaces/${USERS}/serviceaccounts/${this.#name}/token`
    const { status } = await this.#admin.json<{ status: { token: string } }>('POST', path, {
      body: { ...request, spec: { expirationSeconds: TOKEN_SECONDS } },
    })
    return status.token
  }

  async deny(denied: ApiFaults['denied']): Promise<void> {
    if (denied.length === 0) {
      if (!this.#isRestricted) return
      await this.#bind(this.#name, 'cluster-admin')
      await this.#removeRestricted()
    } else {
      await this.#admin.create(CLUSTER_ROLES, await allBut(this.#admin, denied, this.#restricted))
      await this.#bind(this.#restricted, this.#restricted)
      await this.#admin.delete(BINDINGS, this.#name)
    }
    this.#isRestricted = denied.length > 0
    await this.#untilSeen(denied)
  }

  async remove(): Promise<void> {
    if (this.#isRestricted) await this.#removeRestricted()
    else await this.#admin.delete(BINDINGS, this.#name)
    await this.#admin.delete(SERVICE_ACCOUNTS, this.#name, { namespace: USERS })
  }

  get #restricted(): string {
    return `${this.#name}-restricted`
  }

  async #removeRestricted(): Promise<void> {
    await this.#admin.delete(BINDINGS, this.#restricted)
    await this.#admin.delete(CLUSTER_ROLES, this.#restricted)
  }

  #bind(name: string, role: string): Promise<KubernetesObject> {
    const binding = {
      metadata: { name },
      roleRef: { apiGroup: CLUSTER_ROLES.group, kind: 'ClusterRole', name: role },
      subjects: [{ kind: 'ServiceAccount', name: this.#name, namespace: USERS }],
    }
    return this.#admin.create(BINDINGS, binding as KubernetesObject)
  }

  /** The authorizer sees changed roles a moment later. */
  async #untilSeen(denied: ApiFaults['denied']): Promise<void> {
    const [first] = denied
    const attributes = first
      ? { verb: first.verb === '*' ? 'list' : first.verb, resource: first.resource }
      : { verb: '*', resource: '*', group: '*' }
    const body = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: {
        user: `system:serviceaccount:${USERS}:${this.#name}`,
        resourceAttributes: { ...(first && { group: await this.#groupOf(first.resource) }), ...attributes },
      },
    }
    for (;;) {
      const { status } = await this.#admin.json<{ status: { allowed: boolean } }>(
        'POST',
        '/apis/authorization.k8s.io/v1/subjectaccessreviews',
        { body },
      )
      if (status.allowed === (first === undefined)) return
      await delay(20)
    }
  }

  async #groupOf(plural: string): Promise<string> {
    return Object.values(resources).find((type) => type.plural === plural)?.group ?? ''
  }
}

function kubeconfig(server: string, { ca }: Credentials, token: string): string {
  const authority = Buffer.from(ca).toString('base64')
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: CONTEXT, cluster: { server, 'certificate-authority-data': authority } }],
    users: [{ name: CONTEXT, user: { token } }],
    contexts: [{ name: CONTEXT, context: { cluster: CONTEXT, user: CONTEXT } }],
  })
}

/** Seconds until a roll-out that makes no progress counts as failed; the charts wait for four minutes. */
const PROGRESS_DEADLINE = 12

/** The charts, as they are but for the one time that tests would have to wait for. @returns the folder that has them */
export function shortenedCharts(folder: string): string {
  const helm = resolve(import.meta.dirname, '../../../helm')
  const copy = join(folder, '.helm')
  mkdirSync(copy)
  cpSync(helm, copy, { recursive: true, dereference: true })
  for (const chart of readdirSync(copy)) {
    const file = join(copy, chart, 'charts/common/templates/_deployment.tpl')
    let text: string
    try {
      text = readFileSync(file, 'utf8')
    } catch {
      continue
    }
    writeFileSync(
      file,
      text.replace(/progressDeadlineSeconds: \{\{.*\}\}/, `progressDeadlineSeconds: ${PROGRESS_DEADLINE}`),
    )
  }
  return copy
}

async function ignoring404(work: Promise<unknown>): Promise<void> {
  await work.catch((error) => {
    if (!isApiError(error, 404)) throw error
  })
}

async function ignoring409(work: Promise<unknown>): Promise<void> {
  await work.catch((error) => {
    if (!isApiError(error, 409)) throw error
  })
}
