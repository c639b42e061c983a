import type { Client } from 'pg'
import { expect } from 'vitest'
import type { DatabaseConnection } from '../../../src/lib/adapters/postgres/connection.ts'
import type { PostgresServer } from '../../support/postgres.ts'
import { type BackupProject, backupProject, contentOf, newDatabase, open } from './project.ts'

/** A database with a table of this many rows that do not compress, and a project that backs it up. */
export async function prepare(server: PostgresServer, rows = 1000) {
  const source = await newDatabase(server)
  const client = await open(source)
  await client.query('CREATE TABLE t (id int PRIMARY KEY, text text)')
  await grow(client, rows)
  return { source, client, project: backupProject(source) }
}

/** More rows of that table. */
export async function grow(client: Client, rows: number): Promise<void> {
  await client.query(
    `INSERT INTO t SELECT coalesce(max, 0) + n, (SELECT string_agg(md5(random()::text || n || k), '') FROM generate_series(1, 8) k)
     FROM generate_series(1, ${rows}) n, (SELECT max(id) FROM t) m`,
  )
}

/** The words of a command, for emr as a process of its own. */
export function argv(project: BackupProject, verb: string, ...more: string[]): string[] {
  return ['db-backup', verb, 'local', '--config', project.config, ...more]
}

let restores = 0

/** The end of the newest chain, restored, is what the source holds now. */
export async function expectRestorable(project: BackupProject, source: DatabaseConnection): Promise<void> {
  await project.json('verify', '--decode')
  restores += 1
  const database = `restored_${process.pid}_${restores}`
  await project.json('restore', '--target', database)
  expect(await contentOf({ ...source, database })).toEqual(await contentOf(source))
}

/** Names of the slots that stay. */
export async function ownSlots(client: Client): Promise<string[]> {
  const { rows } = await client.query(
    `SELECT slot_name FROM pg_replication_slots WHERE database = current_database() AND NOT temporary ORDER BY 1`,
  )
  return rows.map(({ slot_name }) => slot_name)
}
