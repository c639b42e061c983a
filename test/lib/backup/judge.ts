import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import { type DatabaseConnection, libpqEnvironment } from '../../../src/lib/adapters/postgres/connection.ts'
import { postgresProgram } from '../../support/postgres.ts'
import type { BackupProject } from './project.ts'

/** What PostgreSQL's own programs say a database holds, without a word of emr: the schema, and a hash of each table's COPY. */
function stateOf(connection: DatabaseConnection) {
  const run = (name: string, args: string[], input?: string) =>
    execFileSync(postgresProgram(name), args, {
      env: { ...process.env, ...libpqEnvironment(connection) } as NodeJS.ProcessEnv,
      encoding: 'latin1',
      maxBuffer: 2 ** 30,
      ...(input === undefined ? {} : { input }),
    })
  const psql = (sql: string) => run('psql', ['-XqAt', '-v', 'ON_ERROR_STOP=1'], sql)
  const tables =
    psql(`SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm') AND c.relispopulated AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT EXISTS (
      SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e') ORDER BY 1`)
  const rows = tables
    .split('\n')
    .filter(Boolean)
    .map((table) => {
      const lines = psql(`COPY (SELECT * FROM ONLY ${table}) TO STDOUT`).split('\n').sort()
      return `${table} ${lines.length - 1} ${createHash('sha256').update(lines.join('\n')).digest('hex')}`
    })
  return { schema: schemaBlocks(run('pg_dump', ['--schema-only'])), rows }
}

/** Order of creation is no part of a schema, nor is what emr sets up in a source. */
function schemaBlocks(dump: string): string[] {
  return dump
    .split(/\n(?=-- Name: )/)
    .slice(1)
    .filter((block) => !/\bemr_backup/.test(block))
    .map((block) => block.replaceAll(/\n(--.*|SET default_.*|\\(un)?restrict .*)?(?=\n|$)/g, '').trim())
    .sort()
}

let restores = 0

/** The newest backup, restored, is what the source holds now. @returns the restored database */
export async function expectSame(
  project: BackupProject,
  source: DatabaseConnection,
): Promise<DatabaseConnection> {
  restores += 1
  const restored = { ...source, database: `judged_${process.pid}_${restores}` }
  await project.json('restore', '--target', restored.database)
  expect(stateOf(restored)).toEqual(stateOf(source))
  return restored
}
