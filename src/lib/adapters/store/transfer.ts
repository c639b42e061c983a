import { createHash } from 'node:crypto'
import { type Readable, Transform, type TransformCallback } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { BackupObject } from '../../domain/backup/manifest.ts'
import { EmrError, ExitCode } from '../../errors.ts'
import type { Pipeline } from '../../process/pipeline.ts'
import type { ObjectStore } from './store.ts'

/** Bytes per second that all transfers of a run share. */
export class RateLimit {
  readonly #bytesPerSecond: number
  #freeAt = 0

  /** @param bytesPerSecond Infinity for no limit */
  constructor(bytesPerSecond: number) {
    this.#bytesPerSecond = bytesPerSecond
  }

  /** Resolves when these bytes may flow. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    if (this.#bytesPerSecond === Infinity) return
    const now = performance.now()
    const from = Math.max(now, this.#freeAt)
    this.#freeAt = from + (bytes / this.#bytesPerSecond) * 1000
    if (from > now) await delay(from - now, undefined, { signal })
  }
}

/** What every transfer of a run is told. */
export interface TransferOptions {
  signal: AbortSignal
  limit: RateLimit
  /** Gets the number of bytes of each chunk. */
  onBytes: (bytes: number) => void
}

/**
 * Stores what programs put out. The object appears only when all of them have ended well: a dump that was killed, or
 * a compressor whose input ended early, looks complete by its own words.
 */
export async function storeOutput(
  store: ObjectStore,
  key: string,
  programs: Pick<Pipeline, 'stdout' | 'done'>,
  { signal, limit, onBytes }: TransferOptions,
): Promise<Pick<BackupObject, 'bytes' | 'sha256'>> {
  const writer = await store.create(key)
  const hash = createHash('sha256')
  let bytes = 0
  try {
    for await (const chunk of programs.stdout as AsyncIterable<Buffer>) {
      hash.update(chunk)
      bytes += chunk.length
      await limit.take(chunk.length, signal)
      await writer.write(chunk)
      onBytes(chunk.length)
    }
    await programs.done
    await writer.complete()
    return { bytes, sha256: hash.digest('hex') }
  } catch (error) {
    programs.stdout.destroy()
    await writer.abort().catch(() => {})
    // Of a program that fails, its own words tell more than its broken output.
    await programs.done.catch((cause) => {
      if (!(error instanceof EmrError)) throw cause
    })
    throw error
  }
}

/** Counts and checks what passes; its end is an error when size or hash are not what the manifest says. */
class Check extends Transform {
  readonly #hash = createHash('sha256')
  readonly #expected: BackupObject
  readonly #key: string
  readonly #options: TransferOptions
  #bytes = 0

  constructor(expected: BackupObject, key: string, options: TransferOptions) {
    super({ highWaterMark: 256 * 1024 })
    this.#expected = expected
    this.#key = key
    this.#options = options
  }

  override _transform(chunk: Buffer, _encoding: string, done: TransformCallback): void {
    this.#bytes += chunk.length
    this.#hash.update(chunk)
    this.#options.onBytes(chunk.length)
    this.#options.limit.take(chunk.length, this.#options.signal).then(() => done(null, chunk), done)
  }

  override _flush(done: TransformCallback): void {
    const { bytes, sha256 } = this.#expected
    if (this.#bytes !== bytes) done(damaged(this.#key, `has ${this.#bytes} bytes instead of ${bytes}`))
    else if (this.#hash.digest('hex') !== sha256)
      done(damaged(this.#key, 'has another SHA-256 than its manifest says'))
    else done()
  }
}

export function damaged(key: string, why: string): EmrError {
  return new EmrError(`The backup is damaged: ${key} ${why}`, {
    code: 'BACKUP_DAMAGED',
    exitCode: ExitCode.failed,
    suggestions: ['emr db-backup verify', 'emr db-backup list  (an older backup may be whole)'],
  })
}

/** The bytes of an object, checked as they pass: the reader gets an error in place of a good end. */
export async function checkedStream(
  store: ObjectStore,
  key: string,
  expected: BackupObject,
  options: TransferOptions,
): Promise<Readable> {
  const source = await store.read(key)
  const check = new Check(expected, key, options)
  pipeline(source, check, { signal: options.signal }).catch((error) => check.destroy(error))
  return check
}

/** Reads an object to its end. @throws {EmrError} BACKUP_DAMAGED (exit 1) */
export async function checkObject(
  store: ObjectStore,
  key: string,
  expected: BackupObject,
  options: TransferOptions,
): Promise<void> {
  const stream = await checkedStream(store, key, expected, options)
  for await (const _ of stream);
}

/** Feeds an object to programs. @throws {EmrError} BACKUP_DAMAGED, or what the programs failed with */
export async function feed(source: Readable, programs: Pipeline): Promise<void> {
  const [fed, done] = await Promise.allSettled([pipeline(source, programs.stdin), programs.done])
  // Damage makes the programs fail too, so it comes first; a lost reader is only what follows from their failure.
  if (fed.status === 'rejected' && fed.reason instanceof EmrError) throw fed.reason
  if (done.status === 'rejected') throw done.reason
  if (fed.status === 'rejected') throw fed.reason
}
