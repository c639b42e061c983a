import type { TableSize } from '../../domain/backup/parts.ts'
import { tableName } from '../../domain/backup/replay.ts'
import { parseVersion } from '../../domain/version.ts'
import { EmrError, ExitCode } from '../../errors.ts'
import type { Command } from '../../process/command.ts'
import type { Runner } from '../../process/runner.ts'
import { type DatabaseConnection, libpqEnvironment } from './connection.ts'
import { GUARD_SCHEMA } from './guard.ts'

/** The programs of PostgreSQL and zstd that backups need. */
export interface ClientPrograms {
  pgDump: string
  pgRestore: string
  zstd: string
}

/** Debian keeps the programs of each major here, and puts only a wrapper on PATH. */
const debianFolder = (major: number) => `/usr/lib/postgresql/${major}/bin/`
const MAJORS = [18, 17, 16, 15]

/**
 * Finds programs that are not older than the server: pg_dump refuses a newer one.
 * @throws {EmrError} BACKUP_TOOL_MISSING (exit 4)
 */
export async function findPrograms(runner: Runner, serverMajor: number): Promise<ClientPrograms> {
  const [pgDump, pgRestore, zstd] = await Promise.all([
    findPostgresProgram(runner, 'pg_dump', serverMajor),
    findPostgresProgram(runner, 'pg_restore', serverMajor),
    versionOf(runner, 'zstd').then((version) => (version === undefined ? undefined : 'zstd')),
  ])
  const install = `apt-get install postgresql-client-${serverMajor} zstd`
  const missing = [
    ...(pgDump ? [] : [`pg_dump ${serverMajor} or newer`]),
    ...(pgRestore ? [] : [`pg_restore ${serverMajor} or newer`]),
    ...(zstd ? [] : ['zstd']),
  ]
  if (pgDump && pgRestore && zstd) return { pgDump, pgRestore, zstd }
  throw new EmrError(
    `Backups of a PostgreSQL ${serverMajor} server need ${missing.join(', ')}, and none was found`,
    {
      code: 'BACKUP_TOOL_MISSING',
      exitCode: ExitCode.preflight,
      suggestions: [install],
    },
  )
}

async function findPostgresProgram(runner: Runner, name: string, major: number): Promise<string | undefined> {
  // The server's own major first: what a newer pg_dump writes, the server's may not be able to read.
  for (const folder of [debianFolder(major), '', ...MAJORS.map(debianFolder)]) {
    const version = await versionOf(runner, `${folder}${name}`)
    if (version !== undefined && version >= major) return `${folder}${name}`
  }
  return undefined
}

async function versionOf(runner: Runner, file: string): Promise<number | undefined> {
  try {
    const { stdout } = await runner.run({ file, args: ['--version'], effect: 'read', timeoutMs: 15_000 })
    return parseVersion(stdout)?.[0]
  } catch {
    return undefined
  }
}

/** By this name the server knows who restores; what a killed run left behind is ended by it. */
export const RESTORE_APPLICATION = 'emr db-backup restore'

const redactOf = ({ password }: DatabaseConnection) => (password === undefined ? [] : [password])

/** What one pg_dump is to put out. */
export type DumpScope =
  | { content: 'schema' }
  /** Of these tables alone. */
  | { content: 'data'; only: readonly TableSize[] }
  /** Of everything but these tables. */
  | { content: 'data'; except: readonly TableSize[] }

/** An archive in the custom format, uncompressed: zstd packs faster and smaller than what pg_dump has built in. */
export function dumpCommand(
  { pgDump }: ClientPrograms,
  connection: DatabaseConnection,
  snapshot: string,
  scope: DumpScope,
): Command {
  const args = ['--format=custom', '--compress=0', '--no-password', `--snapshot=${snapshot}`]
  if (scope.content === 'schema') args.push('--schema-only')
  else args.push('--data-only')
  const isNamed = scope.content === 'data' && 'only' in scope
  if (!isNamed) args.push(`--exclude-schema=${GUARD_SCHEMA}`)
  if (scope.content === 'data') {
    const tables = 'only' in scope ? scope.only : scope.except
    const flag = isNamed ? '--table' : '--exclude-table'
    args.push(...tables.map((table) => `${flag}=${tableName(table)}`))
  }
  return dump(pgDump, connection, args)
}

/** The schema as text, for its fingerprint. */
export function schemaTextCommand(
  { pgDump }: ClientPrograms,
  connection: DatabaseConnection,
  snapshot: string | undefined,
): Command {
  return dump(pgDump, connection, [
    '--schema-only',
    '--no-password',
    `--exclude-schema=${GUARD_SCHEMA}`,
    ...(snapshot === undefined ? [] : [`--snapshot=${snapshot}`]),
  ])
}

function dump(file: string, connection: DatabaseConnection, args: string[]): Command {
  return { file, args, effect: 'read', env: libpqEnvironment(connection), redact: redactOf(connection) }
}

/** Of zstd; docs/decisions/045-zstd-level-4.md. */
export const COMPRESSION_LEVEL = 4

export function compressCommand({ zstd }: ClientPrograms): Command {
  return {
    file: zstd,
    args: [`-${COMPRESSION_LEVEL}`, '--quiet', '--stdout', '--no-progress'],
    effect: 'read',
  }
}

export function decompressCommand({ zstd }: ClientPrograms): Command {
  return { file: zstd, args: ['--decompress', '--quiet', '--stdout', '--no-progress'], effect: 'read' }
}

export interface RestoreScope {
  section?: 'pre-data' | 'post-data'
  /** File with the entries to restore, as `pg_restore --list` names them. */
  list?: string
  /** The archive; default: from stdin. */
  archive?: string
  jobs?: number
  /** Restore neither owners nor grants. */
  noOwner?: boolean
}

/** pg_restore into a database; the first error ends it. */
export function restoreCommand(
  { pgRestore }: ClientPrograms,
  connection: DatabaseConnection,
  { section, list, archive, jobs, noOwner }: RestoreScope,
): Command {
  return {
    file: pgRestore,
    args: [
      '--format=custom',
      '--exit-on-error',
      '--no-password',
      `--dbname=${databaseArgument(connection)}`,
      ...(section === undefined ? [] : [`--section=${section}`]),
      ...(list === undefined ? [] : [`--use-list=${list}`]),
      ...(jobs === undefined ? [] : [`--jobs=${jobs}`]),
      ...(noOwner ? ['--no-owner', '--no-privileges'] : []),
      ...(archive === undefined ? [] : [archive]),
    ],
    effect: 'write',
    env: { ...libpqEnvironment(connection), PGAPPNAME: RESTORE_APPLICATION },
    redact: redactOf(connection),
  }
}

/** libpq takes some names for a connection string. */
function databaseArgument({ database }: DatabaseConnection): string {
  if (!/=|^postgres(ql)?:/.test(database)) return database
  return `dbname='${database.replaceAll(/['\\]/g, '\\$&')}'`
}

/** Reads an archive from stdin to its end, every block of it, and restores nothing. */
export function readArchiveCommand({ pgRestore }: ClientPrograms): Command {
  return { file: pgRestore, args: ['--format=custom', '--file=/dev/null'], effect: 'read' }
}

export function listArchiveCommand({ pgRestore }: ClientPrograms, archive: string): Command {
  return { file: pgRestore, args: ['--list', archive], effect: 'read' }
}
