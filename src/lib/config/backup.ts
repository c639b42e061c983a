import { resolve } from 'node:path'
import { z } from 'zod'
import type { BackupSettings, DatabaseReference, StoreReference } from '../domain/backup/settings.ts'
import { DURATION_PATTERN, parseDuration } from '../domain/duration.ts'
import { parseSize, SIZE_PATTERN } from '../domain/size.ts'

const DAY_MS = 86_400_000

const size = z.string().regex(SIZE_PATTERN, 'write a size such as 500kB, 20MB or 1.5GB')
const duration = (standard: string) =>
  z.string().regex(DURATION_PATTERN, 'write a duration such as 26h or 30d').default(standard)

const job = z
  .strictObject({
    image: z.string().optional().describe('Image of emr with the programs of PostgreSQL (Dockerfile)'),
    serviceAccount: z
      .string()
      .default('db-backup')
      .describe('Its role may read the secret, and read and write the store'),
    secret: z
      .strictObject({ name: z.string(), key: z.string().default('password') })
      .optional()
      .describe('Kubernetes Secret with the password, where database.secret does not have it'),
    rootCertificate: z
      .string()
      .default('/etc/ssl/rds/global-bundle.pem')
      .describe('File in the image: the authorities that sign the database’s certificate'),
    memory: z
      .string()
      .regex(/^\d+(Mi|Gi)$/, 'write a quantity of Kubernetes such as 512Mi or 1Gi')
      .default('1Gi')
      .describe('Request and limit'),
    annotations: z
      .record(z.string(), z.string())
      .default({})
      .describe('Of its pod, for example {sidecar.istio.io/inject: "false"}'),
  })
  .describe('The Job of --via job')

/** The `database` section of an environment. */
export const databaseSchema = z
  .strictObject({
    instance: z.string().optional().describe('RDS instance: its endpoint is used, and snapshots are of it'),
    secret: z
      .string()
      .optional()
      .describe('Secret of AWS Secrets Manager with username and password, and maybe host, port and dbname'),
    host: z.string().optional().describe('Host name, or the folder of a Unix socket'),
    port: z.int().min(1).max(65_535).optional().describe('Default: 5432'),
    name: z.string().optional().describe('Name of the database'),
    user: z.string().optional(),
    password: z
      .union([z.strictObject({ env: z.string() }), z.strictObject({ file: z.string() })], {
        error: 'name where the password is: {env: VARIABLE} or {file: PATH}; never write it here',
      })
      .optional()
      .describe('Where the password is; default: in the secret'),
    tls: z
      .strictObject({
        mode: z.enum(['verify-full', 'disable']).default('verify-full'),
        rootCertificate: z
          .string()
          .optional()
          .describe('File of the authorities that sign the server’s certificate'),
      })
      .prefault({}),
  })
  .describe('The database that emr db-backup works on')

/** The `backup` section of an environment. */
export const backupSchema = z
  .strictObject({
    store: z
      .string()
      .regex(
        /^(s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/[^/].*)?|(?!\w+:\/\/).+)$/,
        'write s3://bucket/prefix or the path of a directory',
      )
      .describe('s3://bucket/prefix, or a directory relative to the configuration'),
    kmsKey: z.string().optional().describe('KMS key of the objects in S3. Default: the key of S3 (aws/s3)'),
    keep: duration('30d').describe('Any moment of this time stays restorable'),
    jobs: z.int().min(1).max(32).default(2).describe('Archives that are written or read at the same time'),
    maxRate: size.optional().describe('Bytes per second to and from the store, for example 50MB'),
    alarm: z
      .strictObject({
        age: duration('26h').describe('emr db-backup status fails when the last good backup is older'),
        slot: size
          .default('20GB')
          .describe('It fails when the server keeps more log than this for the next one'),
      })
      .prefault({}),
    via: z
      .enum(['direct', 'job'])
      .optional()
      .describe('From here, or as a Job in the cluster. Default: job for EKS, else direct'),
    job: job.prefault({}),
    snapshotCopy: z
      .strictObject({ region: z.string(), kmsKey: z.string().describe('KMS key in that region') })
      .optional()
      .describe('Region that gets an encrypted copy of each RDS snapshot'),
  })
  .describe('Where and how the database is backed up')

/** @param folder of the configuration, which paths are relative to */
export function databaseReference(
  database: z.infer<typeof databaseSchema>,
  folder: string,
): DatabaseReference {
  const { password, tls } = database
  const from = password && 'file' in password ? { file: resolve(folder, password.file) } : password
  const { rootCertificate } = tls
  return {
    ...database,
    password: from,
    tls: { ...tls, rootCertificate: rootCertificate && resolve(folder, rootCertificate) },
  }
}

/**
 * @param folder of the configuration, which paths are relative to
 * @param onEks whether the environment's cluster is on EKS, and so its database out of reach from here
 */
export function backupSettings(
  backup: z.infer<typeof backupSchema>,
  folder: string,
  onEks: boolean,
): BackupSettings {
  const { snapshotCopy, maxRate, alarm } = backup
  return {
    store: storeReference(backup.store, backup.kmsKey, folder),
    keepMs: parseDuration(backup.keep) ?? 30 * DAY_MS,
    jobs: backup.jobs,
    maxRate: maxRate === undefined ? undefined : parseSize(maxRate),
    alarm: { ageMs: parseDuration(alarm.age) ?? DAY_MS, slotBytes: parseSize(alarm.slot) ?? 0 },
    via: backup.via ?? (onEks ? 'job' : 'direct'),
    job: backup.job,
    snapshotCopy: snapshotCopy && { region: snapshotCopy.region, kmsKeyId: snapshotCopy.kmsKey },
  }
}

function storeReference(store: string, kmsKeyId: string | undefined, folder: string): StoreReference {
  const match = /^s3:\/\/([^/]+)\/?(.*)$/.exec(store)
  if (!match) return { kind: 'directory', path: resolve(folder, store) }
  const [, bucket = '', prefix = ''] = match
  return { kind: 's3', bucket, prefix: prefix.replace(/\/+$/, ''), kmsKeyId }
}
