import type { S3Client } from '@aws-sdk/client-s3'
import type { AwsAccount, StateBackend } from '../../domain/environment.ts'
import { EmrError, ExitCode } from '../../errors.ts'
import { withClient } from './client.ts'
import { bucketPolicy, type Clients, MAKERS, orAbsent, TLS_ONLY } from './state-parts.ts'

/** The parts of the place where Terraform keeps its state, in the order in which they can be made. */
export type StatePart =
  | 'bucket'
  | 'versioning'
  | 'encryption'
  | 'publicAccessBlock'
  | 'tlsOnlyPolicy'
  | 'lockTable'
  | 'pointInTimeRecovery'

/** Which parts are as they should be. */
export type StateStoreView = Record<StatePart, boolean>

/** The bucket of Terraform's state and the table of its locks. */
export class StateStore {
  readonly #account: AwsAccount
  readonly #backend: StateBackend
  readonly #signal: AbortSignal

  constructor(account: AwsAccount, backend: StateBackend, signal: AbortSignal) {
    this.#account = account
    this.#backend = backend
    this.#signal = signal
  }

  /** Looks at every part. @throws {EmrError} BUCKET_TAKEN (4) when the bucket's name belongs to another account */
  async inspect(): Promise<StateStoreView> {
    return this.#withClients('look at the state bucket and its lock table', async (clients) => {
      const [bucket, lockTable] = await Promise.all([
        this.#bucketExists(clients.s3),
        this.#tableExists(clients),
      ])
      const [versioning, encryption, publicAccessBlock, tlsOnlyPolicy] = bucket
        ? await this.#bucketSettings(clients.s3)
        : [false, false, false, false]
      const pointInTimeRecovery = lockTable && (await this.#recoveryIsOn(clients))
      return {
        ...{ bucket, versioning, encryption, publicAccessBlock, tlsOnlyPolicy },
        ...{ lockTable, pointInTimeRecovery },
      }
    })
  }

  /** Makes one part; the parts before it must be there. */
  async make(part: StatePart): Promise<void> {
    await this.#withClients(`make the state's ${part}`, (clients) =>
      MAKERS[part]({ ...clients, backend: this.#backend, options: this.#options }),
    )
  }

  get #options() {
    return { abortSignal: this.#signal }
  }

  async #bucketExists(s3: S3Client): Promise<boolean> {
    const { HeadBucketCommand } = await import('@aws-sdk/client-s3')
    const { bucket: Bucket } = this.#backend
    try {
      return await found(s3.send(new HeadBucketCommand({ Bucket }), this.#options))
    } catch (error) {
      const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode
      if (status !== 403 && status !== 301) throw error
      throw new EmrError(
        `The bucket ${Bucket} belongs to another account, or these credentials may not see it; the names of buckets are unique in all of AWS`,
        {
          code: 'BUCKET_TAKEN',
          exitCode: ExitCode.preflight,
          suggestions: [
            `set terraform.backend.bucket, for example to ${Bucket}-${this.#account.accountId}, in emr.config.yaml`,
          ],
          cause: error,
        },
      )
    }
  }

  async #bucketSettings(s3: S3Client): Promise<[boolean, boolean, boolean, boolean]> {
    const { GetBucketEncryptionCommand, GetBucketVersioningCommand, GetPublicAccessBlockCommand } =
      await import('@aws-sdk/client-s3')
    const input = { Bucket: this.#backend.bucket }
    const [versioning, encryption, block, policy] = await Promise.all([
      s3.send(new GetBucketVersioningCommand(input), this.#options),
      orAbsent(s3.send(new GetBucketEncryptionCommand(input), this.#options)),
      orAbsent(s3.send(new GetPublicAccessBlockCommand(input), this.#options)),
      bucketPolicy(s3, this.#backend.bucket, this.#options),
    ])
    const rules = encryption?.ServerSideEncryptionConfiguration?.Rules ?? []
    const { BlockPublicAcls, BlockPublicPolicy, IgnorePublicAcls, RestrictPublicBuckets } =
      block?.PublicAccessBlockConfiguration ?? {}
    return [
      versioning.Status === 'Enabled',
      rules.some(({ ApplyServerSideEncryptionByDefault: by }) => by?.SSEAlgorithm?.startsWith('aws:kms')),
      [BlockPublicAcls, BlockPublicPolicy, IgnorePublicAcls, RestrictPublicBuckets].every(Boolean),
      policy.Statement.some(({ Sid }) => Sid === TLS_ONLY),
    ]
  }

  async #tableExists({ dynamodb }: Clients): Promise<boolean> {
    const { DescribeTableCommand } = await import('@aws-sdk/client-dynamodb')
    return found(dynamodb.send(new DescribeTableCommand({ TableName: this.#backend.table }), this.#options))
  }

  async #recoveryIsOn({ dynamodb }: Clients): Promise<boolean> {
    const { DescribeContinuousBackupsCommand } = await import('@aws-sdk/client-dynamodb')
    const { ContinuousBackupsDescription } = await dynamodb.send(
      new DescribeContinuousBackupsCommand({ TableName: this.#backend.table }),
      this.#options,
    )
    const recovery = ContinuousBackupsDescription?.PointInTimeRecoveryDescription
    return recovery?.PointInTimeRecoveryStatus === 'ENABLED'
  }

  async #withClients<T>(doing: string, work: (clients: Clients) => Promise<T>): Promise<T> {
    const [{ S3Client }, { DynamoDBClient }] = await Promise.all([
      import('@aws-sdk/client-s3'),
      import('@aws-sdk/client-dynamodb'),
    ])
    const place = { ...this.#account, region: this.#backend.region }
    return withClient(S3Client, place, doing, (s3) =>
      withClient(DynamoDBClient, place, doing, (dynamodb) => work({ s3, dynamodb })),
    )
  }
}

async function found(answer: Promise<unknown>): Promise<boolean> {
  return (await orAbsent(answer)) !== undefined
}
