import { backupSchema, backupSettings } from '../config/backup.ts'
import type { DatabaseReference } from '../domain/backup/settings.ts'
import type { Environment } from '../domain/environment.ts'
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
  const { instance, secret, bucket, key } = await readFacts(session)
  const found: DatabaseReference = { tls: { mode: 'verify-full' }, ...database, instance, secret }
  return {
    ...environment,
    database: namesDatabase || instance === undefined ? database : found,
    backup:
      backup ?? (bucket === undefined ? undefined : storeOf(bucket, key, environment.cluster.kind === 'eks')),
  }
}

function storeOf(bucket: string, kmsKey: string | undefined, onEks: boolean): Environment['backup'] {
  return backupSettings(backupSchema.parse({ store: `s3://${bucket}`, kmsKey }), '/', onEks)
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
