import { readFileSync } from 'node:fs'
import type { Client, ClientConfig } from 'pg'
import { EmrError, ExitCode, messageOf } from '../../errors.ts'
import { fileFault } from '../../files.ts'

/** How to reach a database, with its password; lives in memory only. */
export interface DatabaseConnection {
  /** Host name, or the folder of a Unix socket. */
  host: string
  port: number
  database: string
  user: string
  password: string | undefined
  /** `verify-full`: encrypted, the certificate is checked, and the host name in it. */
  tls: 'verify-full' | 'disable'
  /** File of the certificate authorities to trust; undefined for the system's. */
  rootCertificate: string | undefined
}

/** Settings that change how values are written as text, the same where changes are read and replayed; and what would stop it. */
const PINNED = {
  datestyle: 'ISO',
  intervalstyle: 'postgres',
  extra_float_digits: '3',
  bytea_output: 'hex',
  timezone: 'UTC',
  search_path: 'pg_catalog',
  standard_conforming_strings: 'on',
  lc_monetary: 'C',
  xmloption: 'content',
  // A database may be read-only to whoever does not say otherwise.
  default_transaction_read_only: 'off',
  statement_timeout: '0',
  idle_in_transaction_session_timeout: '0',
}

/** Where Debian, Alpine and Red Hat keep the certificate authorities of the system. */
const SYSTEM_CERTIFICATES = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt']

export interface ConnectOptions {
  /** Speak the replication protocol. */
  replication?: boolean
  /** Further settings of the session. */
  settings?: Record<string, string>
}

/** Opens a connection. @throws {EmrError} DATABASE_… (exit 4), with what is wrong and never the password */
export async function connect(
  connection: DatabaseConnection,
  { replication = false, settings = {} }: ConnectOptions = {},
): Promise<Client> {
  const { default: pg } = await import('pg')
  const options = Object.entries({ ...PINNED, ...settings }).map(([name, value]) => `-c ${name}=${value}`)
  const config: ClientConfig & { replication?: string } = {
    host: connection.host,
    port: connection.port,
    database: connection.database,
    user: connection.user,
    // pg would look into PGPASSWORD; what is configured decides.
    password: connection.password ?? '',
    ssl: tlsOptions(connection),
    application_name: 'emr db-backup',
    connectionTimeoutMillis: 15_000,
    keepAlive: true,
    options: options.join(' '),
    ...(replication ? { replication: 'database' } : {}),
  }
  const client = new pg.Client(config)
  // A connection that breaks fails the query that uses it; without a listener it would end the process.
  client.on('error', () => {})
  try {
    await client.connect()
    return client
  } catch (error) {
    await client.end().catch(() => {})
    throw connectError(connection, error, replication)
  }
}

function tlsOptions({ tls, rootCertificate, host }: DatabaseConnection): ClientConfig['ssl'] {
  if (tls === 'disable') return false
  const ca = rootCertificate === undefined ? undefined : certificateIn(rootCertificate)
  return { ca, rejectUnauthorized: true, servername: /^[\d.:]+$/.test(host) ? undefined : host }
}

/** @throws {EmrError} DATABASE_TLS (exit 4) */
function certificateIn(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new EmrError(`Cannot read the CA certificate ${file}: ${fileFault(error) ?? messageOf(error)}`, {
      code: 'DATABASE_TLS',
      exitCode: ExitCode.preflight,
      suggestions: ['check database.tls.rootCertificate in emr.config.yaml'],
      cause: error,
    })
  }
}

/** What libpq's programs (pg_dump, pg_restore) read from their environment. */
export function libpqEnvironment(connection: DatabaseConnection): Record<string, string | undefined> {
  const { host, port, database, user, password, tls, rootCertificate } = connection
  return {
    PGHOST: host,
    PGPORT: String(port),
    PGDATABASE: database,
    PGUSER: user,
    PGPASSWORD: password,
    PGSSLMODE: tls,
    PGSSLROOTCERT: tls === 'disable' ? undefined : (rootCertificate ?? systemCertificates()),
    PGAPPNAME: 'emr db-backup',
    PGSERVICE: undefined,
    PGOPTIONS: undefined,
  }
}

function systemCertificates(): string | undefined {
  return SYSTEM_CERTIFICATES.find((file) => {
    try {
      return readFileSync(file).length > 0
    } catch {
      return false
    }
  })
}

/** Shutdown and crash of the server, an ended backend, a broken connection: as SQLSTATE, and in the words of pg and libpq. */
const LOST_CODE = /^(57P0[1-3]|08...)$/
const LOST_TEXT =
  /connection terminated|not queryable|server closed the connection|terminating connection|connection to server at |no connection to the server|the database system is/i

/** Whether an error, or what caused it, is that the server went away. */
export function isConnectionLoss(error: unknown): boolean {
  const { code, cause } = error as { code?: string; cause?: unknown }
  if (cause !== undefined && isConnectionLoss(cause)) return true
  return (
    LOST_CODE.test(code ?? '') ||
    (!(error instanceof EmrError && code !== 'TOOL_FAILED') && LOST_TEXT.test(messageOf(error)))
  )
}

/** @returns what to throw in place of an error of a server that went away in the middle; any other error as it is */
export function connectionLoss({ host, port }: DatabaseConnection, error: unknown, advice: string): unknown {
  if (!isConnectionLoss(error) || (error as EmrError).code === 'DATABASE_LOST') return error
  const lines = messageOf(error).split('\n')
  const why = lines.find((line) => LOST_TEXT.test(line)) ?? lines[0]
  return new EmrError(`The connection to the database server ${host}:${port} was lost: ${why}`, {
    code: 'DATABASE_LOST',
    exitCode: ExitCode.tool,
    suggestions: [advice],
    cause: error,
  })
}

function connectError(
  { host, port, database, user }: DatabaseConnection,
  error: unknown,
  replication: boolean,
): EmrError {
  const { code = '' } = error as { code?: string }
  const fail = (name: string, why: string, suggestions: string[] = []) =>
    new EmrError(`Cannot connect to database ${database} at ${host}:${port}: ${why}`, {
      code: name,
      exitCode: ExitCode.preflight,
      suggestions,
      cause: error,
    })
  const why = messageOf(error) || code
  if (code === '28P01' || code === '28000')
    return fail('DATABASE_AUTHENTICATION', `${why} (user ${user})`, [
      'check the password’s reference in emr.config.yaml: database.password or database.secret',
    ])
  // Without the right, a connection of replication is refused as a whole.
  if (code === '42501' && replication)
    return fail('REPLICATION_DENIED', `${why} (user ${user})`, [
      'on RDS: GRANT rds_replication TO role; elsewhere: ALTER ROLE role REPLICATION',
    ])
  if (code === '3D000') return fail('DATABASE_MISSING', why, ['check database.name in emr.config.yaml'])
  if (/does not support SSL/i.test(why))
    return fail('DATABASE_TLS', why, [
      'on the server: ssl = on, with a certificate',
      'database: {tls: {mode: disable}} turns encryption off; never over a network',
    ])
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return fail('DATABASE_TLS', why, [
      'check database.host in emr.config.yaml: it must be a name that the certificate is for',
    ])
  if (/SSL|TLS|certificate|self.signed/i.test(why))
    return fail('DATABASE_TLS', why, [
      'name the authority that signed the server’s certificate: database.tls.rootCertificate',
      'database: {tls: {mode: disable}} turns encryption off; never over a network',
    ])
  return fail('DATABASE_UNREACHABLE', why, [
    'check database.host and database.port, the network and the security group',
  ])
}
