import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KubernetesClient } from '../../src/lib/adapters/kubernetes/client.ts'
import { FaultPlan } from '../../src/lib/sandbox/api/faults.ts'
import { Registry } from '../../src/lib/sandbox/api/registry.ts'
import { createApiServer } from '../../src/lib/sandbox/api/server.ts'
import { types } from '../../src/lib/sandbox/controllers/types.ts'
import { ensureCredentials } from '../../src/lib/sandbox/credentials.ts'
import { externalSecretsDefinitions } from '../../src/lib/sandbox/external-secrets-crds.ts'
import { sandboxSettingsSchema } from '../../src/lib/sandbox/settings.ts'
import { Store } from '../../src/lib/sandbox/store/store.ts'

/** The sandbox's API server by itself: no controller works on what a test puts there, status and all. */
export interface ApiServer {
  client: KubernetesClient
  registry: Registry
  close: () => void
}

/** Serves an empty cluster, with the custom resources of the platform, on a port of its own. */
export async function startApiServer(): Promise<ApiServer> {
  const folder = mkdtempSync(join(tmpdir(), 'emr-api-'))
  const { ca, cert, key, token } = await ensureCredentials(folder)
  const store = new Store(join(folder, 'journal'))
  const registry = new Registry(store)
  const settings = sandboxSettingsSchema.parse({})
  const { server } = createApiServer({
    api: { store, registry, settings, isDenied: () => false },
    tls: { cert: `${cert}\n${ca}`, key },
    token,
    faults: new FaultPlan(),
    admin: async () => undefined,
    isInside: false,
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const address = `https://127.0.0.1:${port}`
  const access = {
    kubeconfig: '',
    context: '',
    server: address,
    tls: { ca },
    credentials: async () => ({ authorization: `Bearer ${token}` }),
  }
  const client = new KubernetesClient(access)
  for (const definition of externalSecretsDefinitions)
    await client.create(types.customResourceDefinitions, definition)
  const close = () => {
    client.close()
    server.closeAllConnections()
    server.close()
    store.close()
    rmSync(folder, { recursive: true, force: true })
  }
  return { client, registry, close }
}
