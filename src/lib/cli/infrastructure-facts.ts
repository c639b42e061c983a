import { backupSchema, backupSettings } from '../config/backup.ts'
import type { BackupSettings, DatabaseReference } from '../domain/backup/settings.ts'
import type { Environment } from '../domain/environment.ts'
import { EmrError, ExitCode } from '../errors.ts'
import { assertReady } from '../workflows/infrastructure/preflight.ts'
import { initialise } from '../workflows/infrastructure/prepare.ts'
import { withInfrastructurePorts } from './infrastructure-ports.ts'
import type { Session } from './session.ts'

/** The outputs of the infrastructure that others work with. */
type Facts = Partial<Record<'instance' | 'secret' | 'bucket' | 'key', string>>

/**
 * The environment with its database and its backup store, as far as its configuration leaves them to the
 * infrastructure: then its outputs tell. Asks nothing where the configuration names what is needed.
 * @throws {EmrError} when the state cannot be read
 */
export async function withInfrastructureFacts(
  session: Session,
  needed: { database: boolean; backup: boolean },
): Promise<Environment> {
  const { environment } = session
  const { database, backup, infrastructure } = environment
  const namesDatabase = Boolean(database?.instance ?? database?.host ?? database?.secret)
  const lacks = (needed.database && !namesDatabase) || (needed.backup && backup === undefined)
  if (infrastructure === undefined || !lacks) return environment
  const { instance, secret, bucket, key } = await readFacts(session).catch((error: unknown) => {
    throw unreadable(environment.name, error)
  })
  const found: DatabaseReference = { tls: { mode: 'verify-full' }, ...database, instance, secret }
  return {
    ...environment,
    database: namesDatabase || instance === undefined ? database : found,
    backup: backup ?? (bucket === undefined ? undefined : storeOf(environment, bucket, key)),
  }
}

/** Whoever has neither Terraform nor its state at hand can still say what is needed. */
function unreadable(name: string, error: unknown): unknown {
  if (!(error instanceof EmrError) || error.exitCode === ExitCode.interrupted) return error
  const { code, exitCode, message, suggestions, details } = error
  return new EmrError(
    `The configuration of ${name} leaves its database or its backups to the infrastructure, whose outputs cannot be read: ${message}`,
    {
      code,
      exitCode,
      suggestions: [...suggestions, `or set environments.${name}.database and .backup in emr.config.yaml`],
      details,
      cause: error,
    },
  )
}

function storeOf({ cluster }: Environment, bucket: string, kmsKey: string | undefined): BackupSettings {
  return backupSettings(backupSchema.parse({ store: `s3://${bucket}`, kmsKey }), '/', cluster.kind === 'eks')
}

async function readFacts(session: Session): Promise<Facts> {
  return withInfrastructurePorts(session, async (ports) => {
    await assertReady(ports)
    await initialise(ports)
    const outputs = await ports.terraform.output({ signal: session.signal })
    const text = (name: string) => {
      const value = outputs[name]?.value
      return typeof value === 'string' ? value : undefined
    }
    return {
      instance: text('rds_instance_id'),
      secret: text('rds_secret_arn'),
      bucket: text('backup_bucket'),
      key: text('backup_kms_key_arn'),
    }
  })
}
