import { readFile } from 'node:fs/promises'
import type { DatabaseConnection } from '../../adapters/postgres/connection.ts'
import type { PasswordReference } from '../../domain/backup/settings.ts'
import type { Environment } from '../../domain/environment.ts'
import { EmrError, ExitCode } from '../../errors.ts'
import { sandboxDatabase } from '../sandbox-database.ts'
import type { Session } from '../session.ts'

/**
 * The environment's database, with its password from where the configuration says.
 * @throws {EmrError} DATABASE_NOT_CONFIGURED (3), PASSWORD_MISSING (4), or what AWS says (4)
 */
export async function databaseConnection(
  { environment, stateFolder }: Pick<Session, 'environment' | 'stateFolder'>,
  signal: AbortSignal,
): Promise<DatabaseConnection> {
  const { database, aws, name } = environment
  if (!database) return sandboxConnection({ environment, stateFolder })
  const secret = await secretOf(environment, signal)
  const endpoint =
    database.host === undefined && secret.host === undefined ? await endpointOf(environment, signal) : {}
  const host = database.host ?? secret.host ?? endpoint.host
  const user = database.user ?? secret.username
  const databaseName = database.name ?? secret.dbname
  if (host === undefined) throw notConfigured(name, 'database.host (or database.instance)')
  if (user === undefined) throw notConfigured(name, 'database.user (or database.secret)')
  if (databaseName === undefined) throw notConfigured(name, 'database.name')
  if (aws === undefined && database.secret) throw notConfigured(name, 'aws, for database.secret')
  return {
    host,
    port: database.port ?? secret.port ?? endpoint.port ?? 5432,
    database: databaseName,
    user,
    password: database.password ? await passwordFrom(database.password, name) : secret.password,
    tls: database.tls.mode,
    rootCertificate: database.tls.rootCertificate,
  }
}

/** The sandbox's own database: on this machine, and so without TLS. */
async function sandboxConnection(
  session: Pick<Session, 'environment' | 'stateFolder'>,
): Promise<DatabaseConnection> {
  const { environment } = session
  if (environment.cluster.kind !== 'sandbox') throw notConfigured(environment.name, 'database: {…}')
  const found = await sandboxDatabase(session)
  if (found) return { ...found, tls: 'disable', rootCertificate: undefined }
  throw new EmrError('The sandbox has no database: PostgreSQL is not on this machine', {
    code: 'DATABASE_MISSING',
    exitCode: ExitCode.preflight,
    suggestions: [
      'apt-get install postgresql-15 zstd',
      `or name one: environments.${environment.name}.database`,
    ],
  })
}

interface Secret {
  username?: string
  password?: string
  host?: string
  port?: number
  dbname?: string
}

async function secretOf({ aws, database }: Environment, signal: AbortSignal): Promise<Secret> {
  if (!aws || !database?.secret) return {}
  const { secretObject } = await import('../../adapters/aws/secrets.ts')
  const found = await secretObject(aws, database.secret, signal)
  const text = (key: string) => (found[key] === undefined ? undefined : String(found[key]))
  const port = text('port')
  return {
    username: text('username'),
    password: text('password'),
    host: text('host'),
    port: port === undefined ? undefined : Number(port),
    dbname: text('dbname'),
  }
}

async function endpointOf(
  { aws, database }: Environment,
  signal: AbortSignal,
): Promise<{ host?: string; port?: number }> {
  if (!aws || !database?.instance) return {}
  const { instanceEndpoint } = await import('../../adapters/aws/rds-endpoint.ts')
  return instanceEndpoint(aws, database.instance, signal)
}

/** DbiResourceId of the environment's RDS instance; undefined where it is none, or AWS does not say. */
export async function resourceIdOf({
  environment: { aws, database },
  signal,
}: Pick<Session, 'environment' | 'signal'>): Promise<string | undefined> {
  if (!aws || !database?.instance) return undefined
  const { instanceResourceId } = await import('../../adapters/aws/rds-endpoint.ts')
  return instanceResourceId(aws, database.instance, signal).catch((error) => {
    // Where the database is named otherwise, a backup needs no right to ask RDS.
    if (error instanceof EmrError) return undefined
    throw error
  })
}

async function passwordFrom(reference: PasswordReference, environment: string): Promise<string> {
  if ('env' in reference) {
    const value = process.env[reference.env]
    if (value) return value
    throw passwordMissing(environment, `the variable ${reference.env} is not set`)
  }
  try {
    return (await readFile(reference.file, 'utf8')).replace(/\r?\n$/, '')
  } catch (error) {
    throw passwordMissing(environment, (error as Error).message)
  }
}

function passwordMissing(environment: string, why: string): EmrError {
  return new EmrError(`The password of ${environment}'s database cannot be had: ${why}`, {
    code: 'PASSWORD_MISSING',
    exitCode: ExitCode.preflight,
    suggestions: [`check environments.${environment}.database.password`],
  })
}

export function notConfigured(environment: string, what: string): EmrError {
  return new EmrError(`The configuration of ${environment} lacks ${what}`, {
    code: 'BACKUP_NOT_CONFIGURED',
    exitCode: ExitCode.config,
    suggestions: [
      `add it under environments.${environment} in emr.config.yaml (docs/runbooks/backup-and-restore.md)`,
    ],
  })
}
