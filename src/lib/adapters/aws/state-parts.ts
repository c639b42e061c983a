import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { S3Client } from '@aws-sdk/client-s3'
import type { StateBackend } from '../../domain/environment.ts'
import type { StatePart } from './state-store.ts'

export const TLS_ONLY = 'EmrTlsOnly'

/** What S3 and DynamoDB say about something that is not there. */
const ABSENT = new Set([
  'NotFound',
  'NoSuchBucket',
  'NoSuchBucketPolicy',
  'NoSuchPublicAccessBlockConfiguration',
  'ServerSideEncryptionConfigurationNotFoundError',
  'ResourceNotFoundException',
])

export interface Clients {
  s3: S3Client
  dynamodb: DynamoDBClient
}

interface Options {
  abortSignal: AbortSignal
}

interface Making extends Clients {
  backend: StateBackend
  options: Options
}

interface PolicyDocument {
  Version: string
  Statement: { Sid?: string }[]
}

/** How each part is made. The parts before it are there. */
export const MAKERS: Record<StatePart, (making: Making) => Promise<unknown>> = {
  bucket: async ({ s3, backend, options }) => {
    const { CreateBucketCommand, waitUntilBucketExists } = await import('@aws-sdk/client-s3')
    const { bucket: Bucket, region } = backend
    // The one region whose name S3 refuses here.
    const place =
      region === 'us-east-1' ? {} : { CreateBucketConfiguration: { LocationConstraint: region as never } }
    await s3.send(new CreateBucketCommand({ Bucket, ...place }), options)
    await waitUntilBucketExists({ client: s3, maxWaitTime: 60, abortSignal: options.abortSignal }, { Bucket })
  },
  versioning: async ({ s3, backend, options }) => {
    const { PutBucketVersioningCommand } = await import('@aws-sdk/client-s3')
    const VersioningConfiguration = { Status: 'Enabled' as const }
    await s3.send(
      new PutBucketVersioningCommand({ Bucket: backend.bucket, VersioningConfiguration }),
      options,
    )
  },
  encryption: async ({ s3, backend, options }) => {
    const { PutBucketEncryptionCommand } = await import('@aws-sdk/client-s3')
    const rule = {
      ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' as const },
      BucketKeyEnabled: true,
    }
    await s3.send(
      new PutBucketEncryptionCommand({
        Bucket: backend.bucket,
        ServerSideEncryptionConfiguration: { Rules: [rule] },
      }),
      options,
    )
  },
  publicAccessBlock: async ({ s3, backend, options }) => {
    const { PutPublicAccessBlockCommand } = await import('@aws-sdk/client-s3')
    await s3.send(
      new PutPublicAccessBlockCommand({
        Bucket: backend.bucket,
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
      }),
      options,
    )
  },
  tlsOnlyPolicy: async ({ s3, backend, options }) => {
    const { PutBucketPolicyCommand } = await import('@aws-sdk/client-s3')
    const { bucket: Bucket } = backend
    const resource = `arn:aws:s3:::${Bucket}`
    const statement = {
      Sid: TLS_ONLY,
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:*',
      Resource: [resource, `${resource}/*`],
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    }
    // Somebody's other statements stay.
    const { Statement: kept } = await bucketPolicy(s3, Bucket, options)
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [...kept, statement] })
    await s3.send(new PutBucketPolicyCommand({ Bucket, Policy }), options)
  },
  lockTable: async ({ dynamodb, backend, options }) => {
    const { CreateTableCommand, waitUntilTableExists } = await import('@aws-sdk/client-dynamodb')
    const { table: TableName } = backend
    await dynamodb.send(
      new CreateTableCommand({
        TableName,
        AttributeDefinitions: [{ AttributeName: 'LockID', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'LockID', KeyType: 'HASH' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
      options,
    )
    await waitUntilTableExists(
      { client: dynamodb, maxWaitTime: 120, minDelay: 1, abortSignal: options.abortSignal },
      { TableName },
    )
  },
  pointInTimeRecovery: async ({ dynamodb, backend, options }) => {
    const { UpdateContinuousBackupsCommand } = await import('@aws-sdk/client-dynamodb')
    const PointInTimeRecoverySpecification = { PointInTimeRecoveryEnabled: true }
    await dynamodb.send(
      new UpdateContinuousBackupsCommand({
        TableName: backend.table,
        PointInTimeRecoverySpecification,
      }),
      options,
    )
  },
}

/** The bucket's policy; one without statements where it has none. */
export async function bucketPolicy(s3: S3Client, Bucket: string, options: Options): Promise<PolicyDocument> {
  const { GetBucketPolicyCommand } = await import('@aws-sdk/client-s3')
  const answer = await orAbsent(s3.send(new GetBucketPolicyCommand({ Bucket }), options))
  return answer?.Policy ? JSON.parse(answer.Policy) : { Version: '2012-10-17', Statement: [] }
}

/** The answer, or undefined when AWS says that there is no such thing. */
export async function orAbsent<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (ABSENT.has((error as Error).name)) return undefined
    throw error
  }
}
