import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { DatabaseConnection } from '../../src/lib/adapters/postgres/connection.ts'
import { freePort } from './ports.ts'

const FOLDERS = [15, 16, 17].map((major) => `/usr/lib/postgresql/${major}/bin`)

const postgresFolder = FOLDERS.find((folder) => existsSync(join(folder, 'initdb')))

/**
 * True where a suite that needs PostgreSQL can run. On CI a missing server is a failure, not a reason to skip.
 */
export const hasPostgres = postgresFolder !== undefined || Boolean(process.env.CI)
if (postgresFolder === undefined)
  process.stderr.write(
    'The tests of backups need PostgreSQL 15 and zstd: apt-get install postgresql-15 zstd\n',
  )

export interface PostgresServer {
  connection: DatabaseConnection
  /** Data directory. */
  folder: string
  /** Ends the server and removes its files. @param mode as of pg_ctl */
  stop(): Promise<void>
  /** As a loss of power would: no checkpoint, no goodbye. */
  crash(): Promise<void>
  start(): Promise<void>
  /** What a full disk is to PostgreSQL: no file grows beyond this. @param bytes for connections from now on */
  limitFiles(bytes: number | 'unlimited'): void
}

/** A program of the PostgreSQL that the tests start. */
export function postgresProgram(name: string): string {
  return join(postgresFolder ?? '', name)
}

/** An unprivileged user: the server refuses to run as root. */
export function serverUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const id = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

/** A new PostgreSQL server on a free port of 127.0.0.1, with password and logical replication. */
export async function startPostgres(settings: Record<string, string> = {}): Promise<PostgresServer> {
  if (postgresFolder === undefined)
    throw new Error('PostgreSQL is missing: apt-get install postgresql-15 zstd')
  const bin = postgresFolder
  const user = serverUser()
  const root = mkdtempSync(join(tmpdir(), 'emr-pg-'))
  const folder = join(root, 'data')
  const passwordFile = join(root, 'password')
  writeFileSync(passwordFile, 'sikrit-42')
  if (user) for (const path of [root, passwordFile]) chownSync(path, user.uid, user.gid)
  const initdb = [
    '-D',
    folder,
    '-U',
    'emr',
    '-A',
    'scram-sha-256',
    `--pwfile=${passwordFile}`,
    '-E',
    'UTF8',
    '-N',
  ]
  execFileSync(join(bin, 'initdb'), [...initdb, '--locale=C.UTF-8'], { ...user, stdio: 'pipe', cwd: root })
  const port = await freePort()
  const options = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: root,
    wal_level: 'logical',
    fsync: 'off',
    max_replication_slots: '10',
    max_wal_senders: '10',
    ...settings,
  }
  const args = [
    '-D',
    folder,
    ...Object.entries(options).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]
  const connection: DatabaseConnection = {
    host: '127.0.0.1',
    port,
    database: 'postgres',
    user: 'emr',
    password: 'sikrit-42',
    tls: 'disable',
    rootCertificate: undefined,
  }
  let child: ChildProcess | undefined
  const end = async (signal: NodeJS.Signals) => {
    if (child && child.exitCode === null && child.signalCode === null) {
      const closed = new Promise((resolve) => child?.once('exit', resolve))
      child.kill(signal)
      await closed
    }
  }
  const start = async () => {
    child = spawn(join(bin, 'postgres'), args, { ...user, stdio: ['ignore', 'ignore', 'pipe'], cwd: root })
    let log = ''
    await new Promise<void>((resolve, reject) => {
      child?.stderr?.setEncoding('utf8').on('data', (text: string) => {
        log = (log + text).slice(-20_000)
        if (log.includes('is ready to accept connections') || log.includes('ready to accept connections'))
          resolve()
      })
      child?.once('exit', (code) => reject(new Error(`postgres ended with ${code}:\n${log}`)))
    })
  }
  await start()
  return {
    connection,
    folder,
    start,
    limitFiles: (bytes) =>
      execFileSync('prlimit', [`--pid=${child?.pid}`, `--fsize=${bytes}:`], { ...user, cwd: root }),
    stop: async () => {
      await end('SIGINT')
      rmSync(root, { recursive: true, force: true })
    },
    crash: async () => {
      // SIGQUIT: the postmaster ends its children at once and writes no checkpoint.
      await end('SIGQUIT')
      await delay(50)
    },
  }
}
