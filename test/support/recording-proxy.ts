import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, request as httpsRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { ensureCredentials } from '../../src/lib/sandbox/credentials.ts'

/** What one request to the API server asks to do, in the words of RBAC. */
interface RecordedCall {
  verb: string
  group: string
  resource: string
  scope: 'namespace' | 'kube-system' | 'cluster'
}

/** A front of an API server that writes down what anybody asks of it: emr, helm and kubectl alike. */
export interface RecordingProxy {
  /** Text of a kubeconfig with one context, `recorded`, that leads through it. */
  kubeconfig: string
  calls: RecordedCall[]
  close: () => void
}

/** @param kubeconfig file of the API server behind it, with a token */
export async function startRecordingProxy(kubeconfig: string): Promise<RecordingProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'emr-recorder-'))
  const { ca, cert, key } = await ensureCredentials(folder)
  const config = parse(readFileSync(kubeconfig, 'utf8'))
  const [{ cluster }] = config.clusters
  const behind = new URL(cluster.server)
  const trust = Buffer.from(cluster['certificate-authority-data'], 'base64')
  const calls: RecordedCall[] = []
  const server = createServer({ cert: `${cert}\n${ca}`, key }, (request, response) => {
    const call = callOf(request.method ?? 'GET', new URL(request.url ?? '/', behind))
    if (call) calls.push(call)
    const { method, headers, url } = request
    const forward = httpsRequest(new URL(url ?? '/', behind), { method, headers, ca: trust }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      response.flushHeaders()
      answer.pipe(response)
    })
    forward.on('error', () => response.destroy())
    response.on('close', () => forward.destroy())
    request.pipe(forward)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const front = {
    server: `https://127.0.0.1:${port}`,
    'certificate-authority-data': Buffer.from(ca).toString('base64'),
  }
  const file = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'recorded', cluster: front }],
    users: [{ name: 'recorded', user: config.users[0].user }],
    contexts: [{ name: 'recorded', context: { cluster: 'recorded', user: 'recorded' } }],
    'current-context': 'recorded',
  }
  return {
    kubeconfig: stringify(file),
    calls,
    close: () => {
      server.closeAllConnections()
      server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const VERBS: Record<string, string> = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }

/** Undefined for what is no resource: discovery, versions, the sandbox's own paths. */
function callOf(method: string, { pathname, searchParams }: URL): RecordedCall | undefined {
  const core = /^\/api\/v1\/(.+)$/.exec(pathname)
  const named = /^\/apis\/([^/]+)\/[^/]+\/(.+)$/.exec(pathname)
  const rest = core?.[1] ?? named?.[2]
  if (rest === undefined) return undefined
  const group = named?.[1] ?? ''
  const parts = rest.split('/')
  const inNamespace = parts[0] === 'namespaces' && parts.length > 2
  const [resource = '', name, subresource] = inNamespace ? parts.slice(2) : parts
  const watches = searchParams.get('watch') === 'true' || searchParams.get('watch') === '1'
  const reads = name === undefined ? (watches ? 'watch' : 'list') : 'get'
  const verb = method === 'GET' ? reads : (VERBS[method] ?? method.toLowerCase())
  // Access to one Namespace is asked for in that namespace: a Role can give it.
  const isOwn = inNamespace || (resource === 'namespaces' && name !== undefined)
  const scope = inNamespace && parts[1] === 'kube-system' ? 'kube-system' : isOwn ? 'namespace' : 'cluster'
  return {
    verb: verb === 'delete' && name === undefined ? 'deletecollection' : verb,
    group,
    resource: subresource === undefined ? resource : `${resource}/${subresource}`,
    scope,
  }
}
