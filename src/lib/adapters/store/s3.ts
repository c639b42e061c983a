import type { Readable } from 'node:stream'
import type { S3Client } from '@aws-sdk/client-s3'
import type { AwsAccount } from '../../domain/environment.ts'
import { EmrError, messageOf } from '../../errors.ts'
import { clientConfig } from '../aws/client.ts'
import { awsError } from '../aws/errors.ts'
import { S3Upload } from './s3-upload.ts'
import {
  explained,
  type ObjectStore,
  type ObjectWriter,
  type StoredObject,
  storeError,
  type UnfinishedUpload,
} from './store.ts'

export interface S3Location {
  bucket: string
  /** Without slashes at its ends; empty for the whole bucket. */
  prefix: string
  /** Key of KMS that encrypts each object; undefined for the bucket's own. */
  kmsKeyId: string | undefined
}

/** What each write asks for, so that no object can be without KMS, whatever the bucket's default is. */
function encryptionOf({ kmsKeyId }: S3Location) {
  return { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: kmsKeyId, BucketKeyEnabled: true } as const
}

/** An S3 bucket, or a prefix of one, as a store. */
export class S3Store implements ObjectStore {
  readonly url: string
  readonly #account: AwsAccount
  readonly #location: S3Location
  #client: Promise<S3Client> | undefined

  constructor(account: AwsAccount, location: S3Location) {
    this.#account = account
    this.#location = location
    this.url = `s3://${location.bucket}${location.prefix && `/${location.prefix}`}`
  }

  async create(key: string): Promise<ObjectWriter> {
    const client = await this.#open()
    const target = { Bucket: this.#location.bucket, Key: this.#key(key) }
    return this.#guard(`write ${key}`, async () => {
      const upload = await S3Upload.start(client, target, encryptionOf(this.#location))
      const guarded = (action: () => Promise<void>) => this.#guard(`write ${key}`, action)
      return {
        write: (chunk) => guarded(() => upload.write(chunk)),
        complete: () => guarded(() => upload.complete()),
        abort: () => upload.abort(),
      }
    })
  }

  async putOnce(key: string, text: string): Promise<boolean> {
    try {
      await this.#putText(key, text, '*')
      return true
    } catch (error) {
      if (statusOf(error) === 412 || statusOf(error) === 409) return false
      throw this.#explain(`write ${key}`, error)
    }
  }

  put(key: string, text: string): Promise<void> {
    return this.#guard(`write ${key}`, () => this.#putText(key, text, undefined))
  }

  read(key: string): Promise<Readable> {
    return this.#guard(`read ${key}`, async () => {
      const { GetObjectCommand } = await import('@aws-sdk/client-s3')
      const client = await this.#open()
      const { Body } = await client.send(
        new GetObjectCommand({ Bucket: this.#location.bucket, Key: this.#key(key) }),
      )
      return explained(Body as Readable, (error) => this.#explain(`read ${key}`, error))
    })
  }

  list(prefix: string): Promise<StoredObject[]> {
    return this.#guard('list its objects', async () => {
      const { paginateListObjectsV2 } = await import('@aws-sdk/client-s3')
      const found: StoredObject[] = []
      const query = { Bucket: this.#location.bucket, Prefix: this.#key(prefix) }
      for await (const { Contents = [] } of paginateListObjectsV2({ client: await this.#open() }, query)) {
        for (const { Key = '', Size = 0, LastModified } of Contents)
          found.push({ key: this.#ownKey(Key), bytes: Size, modifiedAt: LastModified?.getTime() ?? 0 })
      }
      return found
    })
  }

  delete(keys: readonly string[]): Promise<void> {
    return this.#guard('delete objects', async () => {
      const { DeleteObjectCommand } = await import('@aws-sdk/client-s3')
      const client = await this.#open()
      // One by one: DeleteObjects answers 200 also for those that it did not delete.
      for (const key of keys)
        await client.send(new DeleteObjectCommand({ Bucket: this.#location.bucket, Key: this.#key(key) }))
    })
  }

  unfinishedUploads(prefix: string): Promise<UnfinishedUpload[]> {
    return this.#guard('list its unfinished uploads', async () => {
      const { AbortMultipartUploadCommand, ListMultipartUploadsCommand } = await import('@aws-sdk/client-s3')
      const client = await this.#open()
      const { bucket: Bucket } = this.#location
      const { Uploads = [] } = await client.send(
        new ListMultipartUploadsCommand({ Bucket, Prefix: this.#key(prefix) }),
      )
      return Uploads.map(({ Key = '', UploadId, Initiated }) => ({
        key: this.#ownKey(Key),
        startedAt: Initiated?.getTime() ?? 0,
        abort: async () => {
          await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }))
        },
      }))
    })
  }

  async #putText(key: string, text: string, ifNoneMatch: '*' | undefined): Promise<void> {
    const { PutObjectCommand } = await import('@aws-sdk/client-s3')
    const client = await this.#open()
    await client.send(
      new PutObjectCommand({
        Bucket: this.#location.bucket,
        Key: this.#key(key),
        Body: text,
        ContentType: 'application/json',
        IfNoneMatch: ifNoneMatch,
        ...encryptionOf(this.#location),
      }),
    )
  }

  #open(): Promise<S3Client> {
    this.#client ??= import('@aws-sdk/client-s3').then(
      ({ S3Client }) => new S3Client(clientConfig(this.#account)),
    )
    return this.#client
  }

  #key(key: string): string {
    return this.#location.prefix === '' ? key : `${this.#location.prefix}/${key}`
  }

  #ownKey(key: string): string {
    return this.#location.prefix === '' ? key : key.slice(this.#location.prefix.length + 1)
  }

  async #guard<T>(doing: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action()
    } catch (error) {
      throw this.#explain(doing, error)
    }
  }

  #explain(doing: string, error: unknown): EmrError {
    if (error instanceof EmrError) return error
    const status = statusOf(error)
    const { name } = error as Error
    const text = `Cannot ${doing} in ${this.url}: ${name}: ${messageOf(error)}`
    if (name === 'NoSuchBucket')
      return storeError('STORE_MISSING', text, error, [`aws s3 ls s3://${this.#location.bucket}`])
    if (status === 404) return storeError('STORE_OBJECT_MISSING', text, error, ['emr db-backup verify'])
    if (status === 403) return storeError('STORE_DENIED', text, error, ['aws sts get-caller-identity'])
    if (status === undefined && name === 'CredentialsProviderError')
      return awsError(error, `${doing} in ${this.url}`, this.#account.profile)
    return storeError('STORE_UNREACHABLE', text, error)
  }
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode
}
