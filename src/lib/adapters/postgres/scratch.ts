import type { Client } from 'pg'
import { connect, type DatabaseConnection } from './connection.ts'
import { dropDatabase } from './create-database.ts'

/** Between making such a database and connecting to it nobody is in it. */
const SETTLED = '1 minute'

/** The database into which a drill restores. @param id of the operation, which begins with its time */
export function scratchName(id: string): string {
  return `emr_drill_${id.toLowerCase().replaceAll('-', '_')}`
}

/** Databases of drills that were killed: named as only those are, and nobody is in them. */
export async function abandonedScratch(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT datname AS name FROM pg_database d
     WHERE datname ~ '^emr_drill_\\d{8}t\\d{6}z_[0-9a-f]{4}$'
       AND to_timestamp(substr(datname, 11, 15), 'YYYYMMDD"t"HH24MISS') < now() - interval '${SETTLED}'
       AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datid = d.oid)
     ORDER BY 1`,
  )
  return rows.map(({ name }) => name)
}

/** Drops what killed drills have left: each is a whole copy of the data. */
export async function dropAbandonedScratch(server: DatabaseConnection): Promise<void> {
  const client = await connect(server)
  try {
    for (const database of await abandonedScratch(client)) await dropDatabase({ ...server, database })
  } finally {
    await client.end()
  }
}
