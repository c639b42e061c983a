import type { ConfigMap } from 'kubernetes-types/core/v1.js'
import type { z } from 'zod'
import { kubectlLine } from '../../domain/command-line.ts'
import { EmrError, ExitCode } from '../../errors.ts'
import { isApiError } from './api-error.ts'
import type { KubernetesClient } from './client.ts'
import { resources } from './resources.ts'

const KEY = 'record.json'
const KIND_LABEL = 'emr/record'

/** What selects the ConfigMaps with records of a kind. */
export function recordSelector(kind: string): string {
  return `${KIND_LABEL}=${kind}`
}

/** @throws what is wrong with the record */
export function parseRecord<T>({ data }: ConfigMap, schema: z.ZodType<T>): T {
  return schema.parse(JSON.parse(data?.[KEY] ?? ''))
}

/** Records of one kind in an environment's namespace, each in a ConfigMap of its own. */
export class Records<T> {
  readonly #client: KubernetesClient
  readonly #namespace: string
  readonly #kind: string
  readonly #schema: z.ZodType<T>
  /** Of each record as this process knows it; a write over somebody else's change is refused by the API server. */
  readonly #versions = new Map<string, string | undefined>()

  /** @param kind part of the ConfigMaps' names: `release-set` */
  constructor(client: KubernetesClient, namespace: string, kind: string, schema: z.ZodType<T>) {
    this.#client = client
    this.#namespace = namespace
    this.#kind = kind
    this.#schema = schema
  }

  /** All records in the order of their names; none where there is no namespace. */
  async list(signal: AbortSignal): Promise<T[]> {
    const labelSelector = recordSelector(this.#kind)
    const options = { namespace: this.#namespace, labelSelector, signal }
    const { items } = await this.#client.list<ConfigMap>(resources.configMaps, options)
    const sorted = items.sort((a, b) => ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1))
    return sorted.map((item) => this.#read(item))
  }

  /**
   * Writes a new record.
   * @param options.immutable the API server then refuses every later change of it
   * @returns false where there is one with this name already
   */
  async create(
    name: string,
    record: T,
    signal: AbortSignal,
    options: { immutable?: boolean } = {},
  ): Promise<boolean> {
    try {
      const object = { ...this.#object(name, record), ...(options.immutable && { immutable: true }) }
      const made = await this.#client.create(resources.configMaps, object, {
        namespace: this.#namespace,
        signal,
      })
      this.#versions.set(name, made.metadata?.resourceVersion)
      return true
    } catch (error) {
      if (isApiError(error, 409)) return false
      throw error
    }
  }

  /** @throws {KubernetesApiError} 409 when somebody else has changed the record since this process read or wrote it */
  async replace(name: string, record: T, signal: AbortSignal): Promise<void> {
    const object = this.#object(name, record)
    const metadata = { ...object.metadata, resourceVersion: this.#versions.get(name) }
    const made = await this.#client.replace<ConfigMap>(
      resources.configMaps,
      { ...object, metadata },
      { signal },
    )
    this.#versions.set(name, made.metadata?.resourceVersion)
  }

  async remove(name: string, signal: AbortSignal): Promise<void> {
    await this.#client
      .delete(resources.configMaps, this.#nameOf(name), { namespace: this.#namespace, signal })
      .catch((error) => {
        if (!isApiError(error, 404)) throw error
      })
  }

  #nameOf(name: string): string {
    return `emr-${this.#kind}-${name.toLowerCase()}`
  }

  #object(name: string, record: T): ConfigMap {
    return {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name: this.#nameOf(name),
        namespace: this.#namespace,
        labels: { 'app.kubernetes.io/managed-by': 'emr', [KIND_LABEL]: this.#kind },
      },
      data: { [KEY]: JSON.stringify(record) },
    }
  }

  #read(object: ConfigMap): T {
    const { metadata } = object
    const name = metadata?.name ?? ''
    try {
      const record = parseRecord(object, this.#schema)
      this.#versions.set(name.replace(`emr-${this.#kind}-`, ''), metadata?.resourceVersion)
      return record
    } catch (cause) {
      throw new EmrError(`The record ConfigMap/${name} in ${this.#namespace} cannot be read`, {
        code: 'RECORD_DAMAGED',
        exitCode: ExitCode.preflight,
        suggestions: [
          `${kubectlLine(this.#client.access)} --namespace ${this.#namespace} get configmap ${name} --output yaml`,
          'put it back as it was, or delete it: emr history --verify will name it as missing',
        ],
        cause,
      })
    }
  }
}
