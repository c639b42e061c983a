import { finished, PassThrough, type Readable } from 'node:stream'
import { EmrError, ExitCode } from '../../errors.ts'

export interface StoredObject {
  /** Path within the store, with `/`. */
  key: string
  bytes: number
  /** Epoch milliseconds. */
  modifiedAt: number
}

/** An object on its way; nobody sees it before it is complete. */
export interface ObjectWriter {
  /** Resolves when more may come. */
  write(chunk: Buffer): Promise<void>
  complete(): Promise<void>
  /** Leaves nothing behind. */
  abort(): Promise<void>
}

export interface UnfinishedUpload {
  key: string
  /** Epoch milliseconds. */
  startedAt: number
  abort(): Promise<void>
}

/** Where backups are kept: an S3 bucket or a directory. Keys are paths with `/`. */
export interface ObjectStore {
  /** For people: `s3://bucket/prefix`, or the path of the directory. */
  readonly url: string
  create(key: string): Promise<ObjectWriter>
  /** Writes an object that must not exist yet, whole. @returns false when it exists, and then changes nothing */
  putOnce(key: string, text: string): Promise<boolean>
  /** Writes an object, whole, over one that exists. */
  put(key: string, text: string): Promise<void>
  /** @throws {EmrError} STORE_…, also in the middle of the stream. STORE_OBJECT_MISSING has exit 5 */
  read(key: string): Promise<Readable>
  list(prefix: string): Promise<StoredObject[]>
  delete(keys: readonly string[]): Promise<void>
  unfinishedUploads(prefix: string): Promise<UnfinishedUpload[]>
}

/** @param code see docs/reference.md; access and existence are found before any work, so they are preflight problems */
export function storeError(
  code: 'STORE_DENIED' | 'STORE_MISSING' | 'STORE_UNREACHABLE' | 'STORE_FULL' | 'STORE_OBJECT_MISSING',
  message: string,
  cause: unknown,
  suggestions: string[] = [],
): EmrError {
  const preflight = code === 'STORE_DENIED' || code === 'STORE_MISSING'
  return new EmrError(message, {
    code,
    exitCode: preflight ? ExitCode.preflight : ExitCode.tool,
    suggestions,
    cause,
  })
}

/** What a source gives; a failure in the middle of it is one of the store, in the words of `explain`. */
export function explained(source: Readable, explain: (error: unknown) => Error): Readable {
  const stream = new PassThrough({ highWaterMark: 256 * 1024 })
  finished(source, { writable: false }, (error) => {
    if (error) stream.destroy(explain(error))
  })
  stream.once('close', () => source.destroy())
  return source.pipe(stream)
}

export async function readText(store: ObjectStore, key: string): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of await store.read(key)) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}
