import type { DatabaseLocale } from '../../domain/backup/manifest.ts'
import { quoteIdentifier, quoteLiteral } from '../../domain/backup/replay.ts'
import { messageOf } from '../../errors.ts'
import { connect, type DatabaseConnection, isConnectionLoss } from './connection.ts'
import { preflight } from './slots.ts'

/** SQLSTATEs of a database that somebody else has just made: seen before, or only at the end. */
const MADE_MEANWHILE = ['42P04', '23505']

/** @param locale undefined for the server's default */
export function createDatabaseSql(database: string, locale: DatabaseLocale | undefined): string {
  // template0: what somebody put into template1 would make the new database not empty, and may have another encoding.
  const words = [`CREATE DATABASE ${quoteIdentifier(database)} TEMPLATE template0`]
  if (locale) {
    const { encoding, collate, ctype, provider } = locale
    words.push(`ENCODING ${quoteLiteral(encoding)} LC_COLLATE ${quoteLiteral(collate)}`)
    words.push(`LC_CTYPE ${quoteLiteral(ctype)} LOCALE_PROVIDER ${provider}`)
    if (locale.locale !== null) words.push(`${provider.toUpperCase()}_LOCALE ${quoteLiteral(locale.locale)}`)
    if (locale.rules !== null) words.push(`ICU_RULES ${quoteLiteral(locale.rules)}`)
  }
  return words.join(' ')
}

/**
 * Makes a database where there is none.
 * @param fit gets the major version of the server, and throws where nothing is to be made on it
 * @returns what `fit` gave
 * @throws {EmrError} TARGET_NOT_MADE (exit 4)
 */
export async function makeDatabase<T>(
  server: DatabaseConnection,
  database: string,
  locale: DatabaseLocale | undefined,
  fit: (major: number) => Promise<T>,
): Promise<T> {
  const client = await connect({ ...server, database: 'postgres' })
  try {
    const { rows } = await client.query(
      `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1) AS there,
         current_setting('server_version_num')::int / 10000 AS major`,
      [database],
    )
    const { there, major } = rows[0]
    const fitting = await fit(major)
    if (there) return fitting
    const sql = createDatabaseSql(database, locale)
    await client.query(sql).catch((error) => {
      if (isConnectionLoss(error)) throw error
      if (!MADE_MEANWHILE.includes(error.code)) throw notMade(database, sql, error)
    })
    return fitting
  } finally {
    await client.end()
  }
}

function notMade(database: string, sql: string, error: unknown) {
  return preflight('TARGET_NOT_MADE', `The database ${database} cannot be made: ${messageOf(error)}`, [
    'make it yourself, then type the same command again: an empty database is taken as it is',
    `as close as the server can to: ${sql}`,
  ])
}

/** Drops a database that was made for a drill, and whoever is still connected to it. */
export async function dropDatabase(connection: DatabaseConnection): Promise<void> {
  const server = await connect({ ...connection, database: 'postgres' })
  try {
    await server.query(`DROP DATABASE IF EXISTS ${quoteIdentifier(connection.database)} WITH (FORCE)`)
  } finally {
    await server.end()
  }
}
