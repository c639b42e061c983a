import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Client } from 'pg'
import { onTestFinished } from 'vitest'
import { COMMANDS } from '../../../src/commands/index.ts'
import { connect, type DatabaseConnection } from '../../../src/lib/adapters/postgres/connection.ts'
import { contentHashes } from '../../../src/lib/adapters/postgres/content.ts'
import { sequenceStates } from '../../../src/lib/adapters/postgres/facts.ts'
import type { PostgresServer } from '../../support/postgres.ts'
import { temporaryFolder } from '../../support/project.ts'
import { type CommandRun, runCommand } from '../../support/run-command.ts'

type Verb = 'full' | 'incremental' | 'list' | 'verify' | 'restore' | 'prune' | 'drill' | 'status' | 'snapshot'

let databases = 0

/** A new, empty database of the server; dropped with the server. @param options of CREATE DATABASE */
export async function newDatabase(server: PostgresServer, options = ''): Promise<DatabaseConnection> {
  databases += 1
  const name = `source_${process.pid}_${databases}`
  const admin = await connect(server.connection)
  await admin.query(`CREATE DATABASE ${name} ${options}`)
  await admin.end()
  const connection = { ...server.connection, database: name }
  onTestFinished(async () => {
    const other = await connect(server.connection)
    await other.query(
      `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = '${name}' AND NOT active`,
    )
    await other.end()
  })
  return connection
}

/** A connection that is closed when the test ends. */
export async function open(connection: DatabaseConnection): Promise<Client> {
  const client = await connect(connection, { settings: { search_path: 'public' } })
  onTestFinished(async () => {
    await client.end().catch(() => {})
  })
  return client
}

export interface BackupProject {
  folder: string
  config: string
  /** Folder of the backups, where the store is a directory. */
  store: string
  run(verb: Verb, ...argv: string[]): Promise<CommandRun>
  /** The document of a command that must succeed. */
  json<T = Record<string, never>>(verb: Verb, ...argv: string[]): Promise<T>
}

/** A project whose environment `local` has this database. @param more further lines of the environment, as YAML flow */
export function backupProject(
  connection: DatabaseConnection,
  options: { backup?: string; database?: string; more?: string[] } = {},
): BackupProject {
  const { host, port, user, password } = connection
  const direct = `{host: ${host}, port: ${port}, name: ${connection.database}, user: ${user}, password: {file: password}, tls: {mode: disable}}`
  const { backup = 'store: ./backups', database = direct, more = [] } = options
  const yaml = [
    'services: {}',
    'environments:',
    '  local:',
    '    cluster: {sandbox: {}}',
    `    database: ${database}`,
    `    backup: {${backup}}`,
    ...more.map((line) => `    ${line}`),
  ]
  const folder = temporaryFolder({ 'emr.config.yaml': `${yaml.join('\n')}\n`, password: password ?? '' })
  const config = join(folder, 'emr.config.yaml')
  const run = (verb: Verb, ...argv: string[]) =>
    runCommand(COMMANDS[`db-backup:${verb}`], [...argv, '-e', 'local', '--config', config])
  return {
    folder,
    config,
    store: join(folder, 'backups', 'local'),
    run,
    json: async (verb, ...argv) => {
      const { stdout, stderr, exitCode } = await run(verb, ...argv, '--json')
      if (exitCode !== 0) throw new Error(`db-backup ${verb} ended with ${exitCode}: ${stderr}${stdout}`)
      return JSON.parse(stdout)
    },
  }
}

/** Everything that a restore has to bring back. */
export async function contentOf(connection: DatabaseConnection) {
  const client = await connect(connection)
  try {
    return { tables: await contentHashes(client), sequences: await sequenceStates(client) }
  } finally {
    await client.end()
  }
}

/** Changes one byte in the middle of a file. */
export function flipByte(file: string): void {
  const bytes = readFileSync(file)
  const middle = Math.floor(bytes.length / 2)
  bytes[middle] = (bytes[middle] ?? 0) ^ 0xff
  writeFileSync(file, bytes)
}

export function remove(path: string): void {
  rmSync(path, { recursive: true, force: true })
}
