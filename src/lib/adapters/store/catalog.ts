import { createHash } from 'node:crypto'
import type { BackupManifest } from '../../domain/backup/manifest.ts'
import type { Unfinished } from '../../domain/backup/retention.ts'
import { messageOf } from '../../errors.ts'
import { manifestSchema } from './manifest-schema.ts'
import { type ObjectStore, readText } from './store.ts'

const MANIFEST = 'manifest.json'

/** A manifest that is there but cannot be trusted; its backup counts as none. */
interface DamagedManifest {
  id: string
  problem: string
}

export interface CatalogContent {
  manifests: BackupManifest[]
  damaged: DamagedManifest[]
  unfinished: Unfinished[]
}

/** The backups of one environment in a store: `<environment>/<id>/manifest.json` beside the files that it names. */
export class BackupCatalog {
  readonly store: ObjectStore
  readonly #environment: string
  readonly #confirm: () => Promise<void>

  /** @param confirm throws when nothing may be published or deleted any more: what is there may be another run's by now */
  constructor(store: ObjectStore, environment: string, confirm: () => Promise<void> = async () => {}) {
    this.store = store
    this.#environment = environment
    this.#confirm = confirm
  }

  /** The same backups, for a run that holds the lock. */
  held(lock: { confirm(): Promise<void> }): BackupCatalog {
    return new BackupCatalog(this.store, this.#environment, () => lock.confirm())
  }

  keyOf(id: string, name: string): string {
    return `${this.#environment}/${id}/${name}`
  }

  /** Of something beside the backups: the lock, the records of drills. */
  recordKey(name: string): string {
    return `${this.#environment}/_${name}`
  }

  /** @throws {EmrError} STORE_… when a manifest cannot be read: that says nothing about its backup */
  async read(): Promise<CatalogContent> {
    const objects = await this.store.list(`${this.#environment}/`)
    const folders = Map.groupBy(objects, ({ key }) => key.split('/')[1] ?? '')
    const content: CatalogContent = { manifests: [], damaged: [], unfinished: [] }
    for (const [id, files] of folders) {
      if (id.startsWith('_')) continue
      if (!files.some(({ key }) => isManifest(key))) {
        content.unfinished.push({ id, touchedAt: Math.max(...files.map(({ modifiedAt }) => modifiedAt)) })
        continue
      }
      const text = await readText(this.store, this.keyOf(id, MANIFEST))
      try {
        content.manifests.push(parseManifest(id, text))
      } catch (error) {
        content.damaged.push({ id, problem: messageOf(error) })
      }
    }
    return content
  }

  /** Makes a backup count. @returns false when another run has made one of this id */
  async publish(manifest: BackupManifest): Promise<boolean> {
    const body = JSON.stringify(manifest)
    const text = `${JSON.stringify({ checksum: checksum(body), manifest }, null, 2)}\n`
    const key = this.keyOf(manifest.id, MANIFEST)
    await this.#confirm()
    if (await this.store.putOnce(key, text)) return true
    // Where the answer to a write was lost, the next attempt finds what the first one wrote.
    return (await readText(this.store, key)) === text
  }

  /** Deletes what a run that failed has left; a backup whose manifest is there stays, whatever failed after it. */
  async discard(id: string): Promise<void> {
    const files = await this.store.list(this.keyOf(id, ''))
    if (!files.some(({ key }) => isManifest(key))) await this.remove(id)
  }

  /** Deletes a backup; the manifest first, so that half a deletion leaves nothing that counts. */
  async remove(id: string): Promise<void> {
    await this.#confirm()
    const files = await this.store.list(this.keyOf(id, ''))
    const keys = files.map(({ key }) => key)
    await this.store.delete(keys.filter(isManifest))
    await this.store.delete(keys.filter((key) => !isManifest(key)))
    for (const upload of await this.store.unfinishedUploads(this.keyOf(id, ''))) await upload.abort()
  }
}

function isManifest(key: string): boolean {
  return key.endsWith(`/${MANIFEST}`)
}

function parseManifest(id: string, text: string): BackupManifest {
  const { checksum: stated, manifest } = JSON.parse(text)
  if (stated !== checksum(JSON.stringify(manifest))) throw new Error('its checksum is wrong')
  const parsed = manifestSchema.parse(manifest)
  if (parsed.id !== id) throw new Error(`it is that of ${parsed.id}`)
  return parsed
}

function checksum(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
