import { randomUUID } from 'node:crypto'
import { type FileHandle, link, mkdir, open, readdir, rename, rm, rmdir, stat } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import type { Readable } from 'node:stream'
import { EmrError, messageOf } from '../../errors.ts'
import {
  explained,
  type ObjectStore,
  type ObjectWriter,
  type StoredObject,
  storeError,
  type UnfinishedUpload,
} from './store.ts'

/** What is not complete carries this ending until it is renamed. */
const PARTIAL = /\.[0-9a-f-]{36}\.partial$/
/** Chunks come in the size of a pipe; a write for each costs more than what is written. */
const WRITE_BYTES = 1024 * 1024

/** A directory as a store. Readable by its owner only: what is in it is patients' data. */
export class DirectoryStore implements ObjectStore {
  readonly url: string

  /** @param url absolute path; made when something is first written */
  constructor(url: string) {
    this.url = url
  }

  async create(key: string): Promise<ObjectWriter> {
    const target = join(this.url, key)
    const { partial, file } = await this.#openPartial(target)
    const abort = async () => {
      await file.close().catch(() => {})
      await rm(partial, { force: true })
    }
    const gathered = Buffer.allocUnsafe(WRITE_BYTES)
    let bytes = 0
    const flush = async () => {
      await file.writeFile(gathered.subarray(0, bytes))
      bytes = 0
    }
    return {
      write: (chunk) =>
        this.#guard(async () => {
          if (bytes + chunk.length > WRITE_BYTES) await flush()
          if (chunk.length > WRITE_BYTES) await file.writeFile(chunk)
          else bytes += chunk.copy(gathered, bytes)
        }),
      complete: () =>
        this.#guard(async () => {
          await flush()
          await file.sync()
          await file.close()
          await rename(partial, target)
          await syncFolder(dirname(target))
        }),
      abort,
    }
  }

  putOnce(key: string, text: string): Promise<boolean> {
    return this.#whole(key, text, async (partial, target) => {
      try {
        // Unlike a rename, a link never takes the place of a file that exists.
        await link(partial, target)
        return true
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
        throw error
      }
    })
  }

  async put(key: string, text: string): Promise<void> {
    await this.#whole(key, text, async (partial, target) => {
      await rename(partial, target)
      return true
    })
  }

  read(key: string): Promise<Readable> {
    return this.#guard(async () => {
      const file = await open(join(this.url, key))
      return explained(file.createReadStream({ highWaterMark: 256 * 1024 }), (error) =>
        this.#explain(error, key),
      )
    })
  }

  async list(prefix: string): Promise<StoredObject[]> {
    const found = await this.#files(prefix)
    return found.filter(({ key }) => !PARTIAL.test(key))
  }

  async delete(keys: readonly string[]): Promise<void> {
    await this.#guard(async () => {
      for (const key of keys) await rm(join(this.url, key), { force: true })
      const folders = new Set(keys.map((key) => dirname(join(this.url, key))))
      // A folder that still has something in it stays.
      for (let folder of folders)
        while (folder !== this.url && (await rmEmpty(folder))) folder = dirname(folder)
    })
  }

  async unfinishedUploads(prefix: string): Promise<UnfinishedUpload[]> {
    const found = await this.#files(prefix)
    return found
      .filter(({ key }) => PARTIAL.test(key))
      .map(({ key, modifiedAt }) => ({
        key: key.replace(PARTIAL, ''),
        startedAt: modifiedAt,
        abort: () => this.delete([key]),
      }))
  }

  async #whole(
    key: string,
    text: string,
    publish: (partial: string, target: string) => Promise<boolean>,
  ): Promise<boolean> {
    const target = join(this.url, key)
    const { partial, file } = await this.#openPartial(target)
    try {
      return await this.#guard(async () => {
        await file.writeFile(text)
        await file.sync()
        const published = await publish(partial, target)
        await syncFolder(dirname(target))
        return published
      })
    } finally {
      await file.close()
      await rm(partial, { force: true })
    }
  }

  #openPartial(target: string): Promise<{ partial: string; file: FileHandle }> {
    return this.#guard(async () => {
      const partial = `${target}.${randomUUID()}.partial`
      for (let attempt = 1; ; attempt += 1) {
        try {
          await mkdir(dirname(target), { recursive: true, mode: 0o700 })
          return { partial, file: await open(partial, 'wx', 0o600) }
        } catch (error) {
          // Whoever deletes the last file of a folder removes it too.
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || attempt === 10) throw error
        }
      }
    })
  }

  async #files(prefix: string): Promise<StoredObject[]> {
    return this.#guard(async () => {
      const folder = join(this.url, prefix)
      const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error) => {
        if (error.code === 'ENOENT') return []
        throw error
      })
      const files = entries
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => join(parentPath, name))
      const found = await Promise.all(
        files.map(async (file) => {
          const facts = await stat(file).catch(() => undefined)
          const key = relative(this.url, file).replaceAll('\\', '/')
          return facts ? [{ key, bytes: facts.size, modifiedAt: facts.mtimeMs }] : []
        }),
      )
      return found.flat()
    })
  }

  async #guard<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action()
    } catch (error) {
      throw this.#explain(error)
    }
  }

  /** @param key of the object, where the error may not name its file */
  #explain(error: unknown, key = ''): Error {
    const { code, path = join(this.url, key) } = error as NodeJS.ErrnoException
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENOTDIR')
      return storeError('STORE_DENIED', `The backup store cannot be used: ${messageOf(error)}`, error)
    if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG')
      return storeError('STORE_FULL', `The backup store ${this.url} is full: ${messageOf(error)}`, error, [
        'emr db-backup prune',
      ])
    if (code === 'ENOENT')
      return storeError('STORE_OBJECT_MISSING', `The backup store has no ${path}`, error, [
        'emr db-backup verify',
      ])
    if (code === undefined || error instanceof EmrError) return error as Error
    return storeError('STORE_UNREACHABLE', `The backup store fails at ${path}: ${messageOf(error)}`, error)
  }
}

/** Makes a rename or a link survive a loss of power. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder)
  await handle.sync().finally(() => handle.close())
}

/** @returns whether it is gone */
async function rmEmpty(folder: string): Promise<boolean> {
  try {
    await rmdir(folder)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return true
    if (code === 'ENOTEMPTY') return false
    throw error
  }
}
