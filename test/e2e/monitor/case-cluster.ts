import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { parse } from 'yaml'
import { resourcePath } from '../../../src/lib/adapters/kubernetes/resources.ts'
import type { KubernetesObject } from '../../../src/lib/adapters/kubernetes/types.ts'
import { strategicMerge } from '../../../src/lib/sandbox/api/patch/strategic-merge.ts'
import type { ServedType } from '../../../src/lib/sandbox/api/resources.ts'
import { type ApiServer, startApiServer } from '../../support/api-server.ts'

/** An object of a case: what differs from the one of environment.yaml that it names, or a further one. */
export type CaseObject = KubernetesObject & {
  metadata: { name: string; namespace?: string }
  status?: unknown
  data?: Record<string, string>
  /** It is not there. */
  $patch?: 'delete'
  /** It was deleted, and something keeps it. */
  $deleted?: true
  /** The manifest of the release that helm keeps in it. */
  $manifest?: string
}

export const NAMESPACE = 'emr-platform-staging'
/** When everything in environment.yaml was made. */
const MADE = Date.parse('2026-03-02T10:00:00Z')
const FOLDER = join(import.meta.dirname, 'catalogue')

/** A file of the folder `catalogue`; one node may be written once and used again. */
export function readCatalogue<T>(file: string): T {
  return parse(readFileSync(join(FOLDER, file), 'utf8'), { merge: true, maxAliasCount: -1 }) as T
}

const environment = readCatalogue<{ items: CaseObject[] }>('environment.yaml').items

/** A cluster that holds the healthy environment with the changes of one case. */
export class CaseCluster {
  readonly #server: ApiServer
  readonly #uids = new Map<string, string>()
  /** What to add to the times of the files. */
  readonly #shift = Math.floor(Date.now() / 1000) * 1000 - MADE

  private constructor(server: ApiServer) {
    this.#server = server
  }

  static async open(changes: CaseObject[]): Promise<CaseCluster> {
    const cluster = new CaseCluster(await startApiServer())
    try {
      await cluster.#load(cluster.#merged(changes))
      return cluster
    } catch (error) {
      cluster.close()
      throw error
    }
  }

  get client(): ApiServer['client'] {
    return this.#server.client
  }

  /** Milliseconds since the epoch, for a time of the files. */
  momentOf(text: string): number {
    return Date.parse(text) + this.#shift
  }

  close(): void {
    this.#server.close()
  }

  /** Deletes objects of the environment, changes them, and adds what it does not have. */
  #merged(changes: CaseObject[]): CaseObject[] {
    const objects = new Map(environment.map((object) => [keyOf(object), object]))
    for (const change of changes) {
      const key = keyOf(change)
      const schema = this.#server.registry.schemaOf(this.#typeOf(change))
      const before = objects.get(key)
      if (change.$patch === 'delete') objects.delete(key)
      else objects.set(key, { ...(strategicMerge(before, change, schema) as CaseObject), ...ownOf(change) })
    }
    return [...objects.values()]
  }

  async #load(objects: CaseObject[]): Promise<void> {
    for (const name of [NAMESPACE, 'kube-system']) await this.#create({ ...namespace, metadata: { name } })
    for (const object of objects) await this.#create(object)
  }

  /** As its controller does: the object, then its status. */
  async #create({ status, $deleted, $manifest, ...rest }: CaseObject): Promise<void> {
    const object = { ...rest, ...($manifest !== undefined && releaseData(rest, $manifest)) }
    const type = this.#typeOf(object)
    const where = type.namespaced ? { namespace: object.metadata.namespace ?? NAMESPACE } : {}
    const { name } = object.metadata
    const made = await this.#write('POST', resourcePath(type, where), this.#shifted(this.#referring(object)))
    this.#uids.set(`${object.kind}/${name}`, made.metadata.uid ?? '')
    const path = resourcePath(type, { ...where, name, subresource: 'status' })
    if (status !== undefined) await this.#write('PUT', path, { ...made, status: this.#shifted(status) })
    if ($deleted) await this.client.delete(type, name, where)
  }

  /** Unknown fields are refused: the cases have the shape of Kubernetes. */
  #write(method: 'POST' | 'PUT', path: string, object: CaseObject): Promise<CaseObject> {
    const query = { fieldValidation: 'Strict' }
    return this.client.json<CaseObject>(method, path, { query, body: object })
  }

  #typeOf({ apiVersion = '', kind }: KubernetesObject): ServedType {
    const found = this.#server.registry.types.find((type) => {
      const version = type.group === '' ? type.version : `${type.group}/${type.version}`
      return version === apiVersion && type.kind === kind
    })
    if (found === undefined) throw new Error(`no kind ${apiVersion} ${kind} is served`)
    return found
  }

  /** References by name get the uids that the server gave. */
  #referring<T>(value: T): T {
    return JSON.parse(JSON.stringify(value), (key, part) => {
      if (key === 'involvedObject' || key === 'targetRef')
        return { namespace: NAMESPACE, ...this.#withUid(part) }
      if (key !== 'ownerReferences') return part
      return part.map((owner: Reference) => this.#withUid(owner))
    })
  }

  #withUid(reference: Reference): Reference {
    const uid = this.#uids.get(`${reference.kind}/${reference.name}`)
    return { ...reference, ...(uid !== undefined && { uid }) }
  }

  #shifted<T>(value: T): T {
    const times = /"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)"/g
    const text = JSON.stringify(value).replace(times, (_, time) => {
      const moment = new Date(this.momentOf(time)).toISOString()
      return JSON.stringify(time.includes('.') ? moment.replace('Z', '000Z') : moment.replace('.000Z', 'Z'))
    })
    return JSON.parse(text)
  }
}

interface Reference {
  kind: string
  name: string
}

const namespace = { apiVersion: 'v1', kind: 'Namespace' }

function keyOf({ kind, metadata }: CaseObject): string {
  return `${kind}/${metadata.namespace ?? ''}/${metadata.name}`
}

/** What a merge does not keep. */
function ownOf({ $deleted, $manifest }: CaseObject): Pick<CaseObject, '$deleted' | '$manifest'> {
  return { ...($deleted && { $deleted }), ...($manifest !== undefined && { $manifest }) }
}

/** As helm writes it: gzipped and in base64, which the Secret has in base64 again. */
function releaseData({ metadata }: CaseObject, manifest: string): { data: Record<string, string> } {
  const release = { name: metadata.labels?.name, namespace: NAMESPACE, manifest }
  const stored = gzipSync(JSON.stringify(release)).toString('base64')
  return { data: { release: Buffer.from(stored).toString('base64') } }
}
