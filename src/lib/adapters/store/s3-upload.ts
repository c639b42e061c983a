import type { CompletedPart, S3Client } from '@aws-sdk/client-s3'

interface Target {
  Bucket: string
  Key: string
}

const MIB = 1024 * 1024
/** Parts that are on their way at the same time; with the one being filled they bound the memory of an upload. */
const IN_FLIGHT = 2

/**
 * Size of a part by its number, counted from 0. S3 takes 10,000 parts; growing ones make room for an object of 200 GB
 * while a small one needs little memory.
 */
function partSize(index: number): number {
  if (index < 2000) return 8 * MIB
  return index < 6000 ? 16 * MIB : 32 * MIB
}

/** A multipart upload of a stream whose length nobody knows yet. */
export class S3Upload {
  readonly #client: S3Client
  readonly #target: Target
  readonly #uploadId: string | undefined
  readonly #parts: Promise<CompletedPart>[] = []
  readonly #inFlight = new Set<Promise<CompletedPart>>()
  #pending: Buffer[] = []
  #pendingBytes = 0
  #failure: unknown

  private constructor(client: S3Client, target: Target, uploadId: string | undefined) {
    this.#client = client
    this.#target = target
    this.#uploadId = uploadId
  }

  static async start(client: S3Client, target: Target, encryption: object): Promise<S3Upload> {
    const { CreateMultipartUploadCommand } = await import('@aws-sdk/client-s3')
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...target, ...encryption }))
    return new S3Upload(client, target, UploadId)
  }

  async write(chunk: Buffer): Promise<void> {
    this.#pending.push(chunk)
    this.#pendingBytes += chunk.length
    if (this.#pendingBytes >= partSize(this.#parts.length)) await this.#send()
  }

  async complete(): Promise<void> {
    if (this.#pendingBytes > 0 || this.#parts.length === 0) await this.#send()
    const { CompleteMultipartUploadCommand } = await import('@aws-sdk/client-s3')
    const Parts = await Promise.all(this.#parts)
    await this.#client.send(
      new CompleteMultipartUploadCommand({
        ...this.#target,
        UploadId: this.#uploadId,
        MultipartUpload: { Parts },
      }),
    )
  }

  async abort(): Promise<void> {
    await Promise.allSettled(this.#parts)
    const { AbortMultipartUploadCommand } = await import('@aws-sdk/client-s3')
    await this.#client.send(new AbortMultipartUploadCommand({ ...this.#target, UploadId: this.#uploadId }))
  }

  async #send(): Promise<void> {
    const { UploadPartCommand } = await import('@aws-sdk/client-s3')
    const Body = Buffer.concat(this.#pending)
    this.#pending = []
    this.#pendingBytes = 0
    while (this.#inFlight.size >= IN_FLIGHT) await Promise.race(this.#inFlight)
    if (this.#failure !== undefined) throw this.#failure
    const PartNumber = this.#parts.length + 1
    const part = this.#client
      .send(new UploadPartCommand({ ...this.#target, UploadId: this.#uploadId, PartNumber, Body }))
      .then(({ ETag, ChecksumCRC32 }): CompletedPart => ({ PartNumber, ETag, ChecksumCRC32 }))
    this.#inFlight.add(part)
    part
      .catch((error) => {
        this.#failure ??= error
      })
      .finally(() => this.#inFlight.delete(part))
    this.#parts.push(part)
  }
}
