import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { EmrError, ExitCode } from '../errors.ts'
import { readJson, writePrivate } from './instance.ts'

const run = promisify(execFile)

/** Where Debian keeps the programs of a server, which are not on PATH. */
const FOLDERS = [18, 17, 16, 15].map((major) => `/usr/lib/postgresql/${major}/bin`)
const USER = 'emr'
/** uid and gid of nobody on Debian, Alpine and Red Hat. */
const NOBODY = 65_534

const stateSchema = z.object({
  port: z.int(),
  password: z.string(),
  /** Folder of the server's programs, and of its data. */
  programs: z.string(),
  data: z.string(),
})

export type SandboxDatabase = z.infer<typeof stateSchema> & { host: string; database: string; user: string }

/**
 * The database of the sandbox: a PostgreSQL server of this machine on a port of 127.0.0.1, made with a few tables when
 * it is first asked for, and started where it does not run.
 * @param folder of the sandbox
 * @returns undefined where PostgreSQL is not on the machine
 */
export async function startSandboxDatabase(folder: string): Promise<SandboxDatabase | undefined> {
  const programs = FOLDERS.find((candidate) => existsSync(join(candidate, 'initdb')))
  if (programs === undefined) return undefined
  const file = join(folder, 'database.json')
  const known = readJson(file, stateSchema)
  const isNew = known === undefined || !existsSync(join(known.data, 'PG_VERSION'))
  const state = isNew ? await makeCluster(folder, programs) : known
  const database = { ...state, host: '127.0.0.1', database: USER, user: USER }
  if (!(await isRunning(state))) await startServer(state)
  if (isNew) {
    await fillDatabase(database)
    // Written last: what a killed run left half made is made anew.
    writePrivate(folder, file, JSON.stringify(state))
  }
  return database
}

/**
 * Ends the sandbox's database where it runs; what is in it stays. It is found by its data: a start that was killed half
 * way has left no other trace of it.
 * @returns false where none was running
 */
export async function stopSandboxDatabase(folder: string): Promise<boolean> {
  const place = placeOf(folder)
  if (place === undefined || !(await isRunning(place))) return false
  await server(place, ['stop', '-m', 'fast', '-w'])
  return true
}

/** Where the sandbox's database listens; undefined where it does not run. */
export async function sandboxDatabaseAddress(folder: string): Promise<string | undefined> {
  const state = readJson(join(folder, 'database.json'), stateSchema)
  return state && (await isRunning(state)) ? `127.0.0.1:${state.port}` : undefined
}

/** Ends it and removes its data. */
export async function removeSandboxDatabase(folder: string): Promise<void> {
  await stopSandboxDatabase(folder)
  const place = readJson(placeFile(folder), placeSchema)
  if (place) rmSync(place.folder, { recursive: true, force: true })
}

type State = z.infer<typeof stateSchema>
type Place = Pick<State, 'programs' | 'data'>

/** @returns undefined where PostgreSQL is not on the machine, or the sandbox never had a database */
function placeOf(folder: string): Place | undefined {
  const known = readJson(join(folder, 'database.json'), stateSchema)
  const data = known?.data ?? dataOf(readJson(placeFile(folder), placeSchema)?.folder)
  const programs = known?.programs ?? FOLDERS.find((candidate) => existsSync(join(candidate, 'pg_ctl')))
  return programs === undefined || data === undefined || !existsSync(data) ? undefined : { programs, data }
}

const placeSchema = z.object({ folder: z.string() })

/** Says where the data is before there is any, so that what a killed start has left is found. */
function placeFile(folder: string): string {
  return join(folder, 'database-place.json')
}

function dataOf(place: string | undefined): string | undefined {
  return place === undefined ? undefined : join(place, 'data')
}

/**
 * A private folder for the data. The server refuses to run as root; as nobody it cannot reach a folder that is root's
 * alone, so root's is among everybody's, under a name that nobody can know before.
 */
function makePlace(folder: string): string {
  const isRoot = process.getuid?.() === 0
  const place = isRoot ? mkdtempSync('/var/tmp/emr-sandbox-') : join(folder, 'database')
  mkdirSync(place, { recursive: true, mode: 0o700 })
  writePrivate(folder, placeFile(folder), JSON.stringify({ folder: place }))
  return place
}

function unprivileged(): { uid?: number; gid?: number } {
  return process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
}

async function makeCluster(folder: string, programs: string): Promise<State> {
  const { uid, gid } = unprivileged()
  await removeSandboxDatabase(folder)
  const place = makePlace(folder)
  const data = join(place, 'data')
  const password = randomBytes(18).toString('base64url')
  const passwordFile = join(place, 'password')
  writeFileSync(passwordFile, password, { mode: 0o600, flag: 'wx' })
  if (uid !== undefined && gid !== undefined)
    for (const path of [passwordFile, place]) chownSync(path, uid, gid)
  const args = ['-D', data, '-U', USER, '-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '-E', 'UTF8', '-N']
  try {
    await run(join(programs, 'initdb'), [...args, '--locale=C.UTF-8'], { ...unprivileged(), cwd: '/' })
  } finally {
    rmSync(passwordFile, { force: true })
  }
  return { port: await freePort(), password, programs, data }
}

async function startServer(state: State): Promise<void> {
  const settings = {
    port: state.port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    wal_level: 'logical',
    max_replication_slots: 10,
    shared_buffers: '32MB',
  }
  const options = Object.entries(settings).map(([name, value]) => `-c ${name}='${value}'`)
  const log = join(state.data, 'server.log')
  try {
    await server(state, ['start', '-w', '-l', log, '-o', options.join(' ')])
  } catch (error) {
    throw new EmrError(`The sandbox's database did not start: ${(error as Error).message}`, {
      code: 'SANDBOX_DATABASE_NOT_STARTED',
      exitCode: ExitCode.failed,
      suggestions: [`less ${log}`, 'emr sandbox reset'],
    })
  }
}

function isRunning(state: Place): Promise<boolean> {
  return server(state, ['status']).then(
    () => true,
    () => false,
  )
}

/** pg_ctl. The server that it starts keeps what it was given, so it gets no pipe that somebody would wait for. */
function server({ programs, data }: Place, args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(join(programs, 'pg_ctl'), [...args, '-D', data], {
      ...unprivileged(),
      cwd: '/',
      stdio: 'ignore',
      detached: true,
    })
    child.on('error', reject)
    child.on('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`pg_ctl ${args[0]} ended with ${code}`)),
    )
  })
}

/** A database in the form of the platform's, so that a backup has something in it. */
async function fillDatabase({ host, port, password }: SandboxDatabase): Promise<void> {
  const { default: pg } = await import('pg')
  const open = async (database: string) => {
    const client = new pg.Client({ host, port, password, user: USER, database, ssl: false })
    await client.connect()
    return client
  }
  const admin = await open('postgres')
  await admin.query(`CREATE DATABASE ${USER}`)
  await admin.end()
  const client = await open(USER)
  await client.query(`
    CREATE TABLE patient (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, born date);
    CREATE TABLE task (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, patient_id bigint REFERENCES patient,
      title text NOT NULL, done boolean NOT NULL DEFAULT false, created timestamptz NOT NULL DEFAULT now());
    CREATE TABLE handover (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, patient_id bigint REFERENCES patient,
      notes jsonb NOT NULL);
    INSERT INTO patient (name, born) SELECT 'Patient ' || n, date '1950-01-01' + n * 11 FROM generate_series(1, 1000) n;
    INSERT INTO task (patient_id, title, done) SELECT 1 + n % 1000, 'Task ' || n, n % 3 = 0 FROM generate_series(1, 5000) n;
    INSERT INTO handover (patient_id, notes) SELECT 1 + n % 1000, jsonb_build_object('shift', n % 3) FROM generate_series(1, 2000) n`)
  await client.end()
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const listener = createServer().on('error', reject)
    listener.listen(0, '127.0.0.1', () => {
      const { port } = listener.address() as { port: number }
      listener.close(() => resolve(port))
    })
  })
}
