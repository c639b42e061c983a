import type { BackupManifest, BackupObject } from '../../domain/backup/manifest.ts'
import { decodeMessage } from '../../domain/backup/pgoutput.ts'
import { messageOf } from '../../errors.ts'
import { startPipeline } from '../../process/pipeline.ts'
import { ToolError } from '../../process/runner.ts'
import type { BackupCatalog } from '../store/catalog.ts'
import { checkedStream, checkObject, damaged, feed, type TransferOptions } from '../store/transfer.ts'
import { type ClientPrograms, decompressCommand, readArchiveCommand } from './programs.ts'
import { frames } from './replay.ts'

/**
 * Checks objects of backups by reading them.
 * @param programs with them, each archive is read through to its last block and each change decoded, without a database
 */
export class StoredObjectCheck {
  readonly #catalog: BackupCatalog
  readonly #programs: ClientPrograms | undefined
  readonly #transfer: TransferOptions

  constructor(catalog: BackupCatalog, programs: ClientPrograms | undefined, transfer: TransferOptions) {
    this.#catalog = catalog
    this.#programs = programs
    this.#transfer = transfer
  }

  async check(backup: BackupManifest, object: BackupObject): Promise<void> {
    const { store } = this.#catalog
    const key = this.#catalog.keyOf(backup.id, object.name)
    if (!this.#programs) return checkObject(store, key, object, this.#transfer)
    const source = await checkedStream(store, key, object, this.#transfer)
    const unpack = decompressCommand(this.#programs)
    const commands = object.content === 'segment' ? [unpack] : [unpack, readArchiveCommand(this.#programs)]
    const programs = startPipeline(commands, this.#transfer.signal)
    if (object.content === 'segment') {
      const [fed, decoded] = await Promise.allSettled([
        feed(source, programs),
        decodeAll(programs.stdout as AsyncIterable<Buffer>),
      ])
      // What was cut off on its way also ends too early, and who stops reading makes zstd fail.
      if (fed.status === 'rejected' && !(fed.reason instanceof ToolError)) throw fed.reason
      if (decoded.status === 'rejected') rethrow(key, decoded.reason)
      if (fed.status === 'rejected') throw fed.reason
    } else {
      programs.stdout.resume()
      await feed(source, programs)
    }
  }
}

async function decodeAll(stream: AsyncIterable<Buffer>): Promise<void> {
  for await (const payload of frames(stream)) decodeMessage(payload)
}

function rethrow(key: string, error: unknown): never {
  throw error instanceof RangeError ? damaged(key, messageOf(error)) : error
}
