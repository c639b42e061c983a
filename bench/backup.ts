/**
 * Measures full backup and restore of a database with text-like data, side by side with what people do by hand:
 * `pg_dump | gzip` and `gunzip | psql`, and with the floors: parallel COPYs through zstd, and back, with the indexes two at
 * a time. Prints ratios, since times depend on the machine. EMR_BENCH_GB sets the size of the tables, 2 by default.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { connect, libpqEnvironment } from '../src/lib/adapters/postgres/connection.ts'
import { COMPRESSION_LEVEL, findPrograms } from '../src/lib/adapters/postgres/programs.ts'
import { formatSize } from '../src/lib/domain/size.ts'
import { table } from '../src/lib/output/table.ts'
import { ProcessRunner } from '../src/lib/process/runner.ts'
import { startPostgres } from '../test/support/postgres.ts'
import { noteRows } from './notes.ts'

const GIGABYTES = Number(process.env.EMR_BENCH_GB ?? 2)
const TABLES = [1, 2, 3, 4]
const COLUMNS = '(id bigint, patient integer, at timestamptz, kind text, data jsonb, body text)'
/** Of what is compared closely. A run of `pg_dump | gzip` takes ten times as long, and once is enough for its limits. */
const ROUNDS = 4
/** Bytes on disk of one row as made below, rounded down so that the tables are at least as large as asked for. */
const ROW_BYTES = 490

/** Size of all files, databases and log of a run, for each byte in the tables. */
const ROOM = 7

// The disk of a shared machine is ten times slower at one moment than at another, and would be what is measured.
const MEMORY = '/dev/shm'
const memoryFree = existsSync(MEMORY) ? statfsSync(MEMORY).bavail * statfsSync(MEMORY).bsize : 0
if (memoryFree > ROOM * GIGABYTES * 1e9) process.env.TMPDIR = MEMORY

const server = await startPostgres({
  shared_buffers: '512MB',
  max_wal_size: '4GB',
  maintenance_work_mem: '256MB',
})
const folder = mkdtempSync(join(tmpdir(), 'emr-bench-'))
const connection = { ...server.connection, database: 'bench' }
const env = { ...process.env, ...libpqEnvironment(connection), PASSWORD: connection.password }
const { pgDump } = await findPrograms(new ProcessRunner(), 15)
const psql = pgDump.replace('pg_dump', 'psql')

const config = join(folder, 'emr.config.yaml')
writeFileSync(
  config,
  `services: {}
environments:
  bench:
    cluster: {sandbox: {}}
    database: {host: ${connection.host}, port: ${connection.port}, name: bench, user: ${connection.user}, password: {env: PASSWORD}, tls: {mode: disable}}
    backup: {store: ./store}
`,
)

/** Seconds that a shell line takes, with the database's address in its environment. */
function shell(line: string, database = 'bench'): Promise<number> {
  return timed(
    spawn('bash', ['-o', 'pipefail', '-c', line], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...env, PGDATABASE: database },
    }),
  )
}

async function timed(child: ChildProcess): Promise<number> {
  const from = performance.now()
  const code = await new Promise((done) => child.once('close', done))
  if (code !== 0) throw new Error(`ended with ${code}`)
  return (performance.now() - from) / 1000
}

/** Greatest resident memory of each verb, in bytes. */
const memory: Record<string, number> = {}

/** Seconds that emr takes. */
async function emr(...args: string[]): Promise<number> {
  const root = resolve(import.meta.dirname, '..')
  const child = spawn(
    process.execPath,
    [join(root, 'bin/run.js'), 'db-backup', ...args, '-e', 'bench', '--config', config],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...env, CI: '1' },
    },
  )
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const sampler = setInterval(() => {
    try {
      const kilobytes = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]
      memory[args[0] ?? ''] = Math.max(memory[args[0] ?? ''] ?? 0, Number(kilobytes ?? 0) * 1024)
    } catch {
      // It has just ended.
    }
  }, 50)
  return timed(child)
    .catch((error) => {
      throw new Error(`emr db-backup ${args.join(' ')}: ${error.message}\n${said}`)
    })
    .finally(() => clearInterval(sampler))
}

function bytesBelow(path: string): number {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0)
}

/** A write per row would cost more than the row. */
function* chunksOf(rows: Iterable<string>): Generator<string> {
  let chunk = ''
  for (const row of rows) {
    chunk += row
    if (chunk.length < 1 << 18) continue
    yield chunk
    chunk = ''
  }
  yield chunk
}

const indexesOf = (name: string) =>
  `ALTER TABLE ${name} ADD PRIMARY KEY (id); CREATE INDEX ON ${name} (patient)`

/** A line of bash that does so for each table `$t`, two of them at a time. */
const twoAtATime = (line: string) =>
  `each() { for t in "$@"; do ${line}; done; }; each 1 3 & first=$!; each 2 4 && wait $first`

/** The least that a backup and a restore have to do. */
const floor = {
  backup: twoAtATime(
    `${psql} -qXAt -c "COPY note_$t TO STDOUT" | zstd -${COMPRESSION_LEVEL} -q -f -o note-$t.zst`,
  ),
  restore: [
    `for t in ${TABLES.join(' ')}; do ${psql} -qX -c "CREATE TABLE note_$t ${COLUMNS}"; done`,
    twoAtATime(`zstd -dcq note-$t.zst | ${psql} -qX -c "COPY note_$t FROM STDIN"`),
    twoAtATime(`${psql} -qX -c "${indexesOf('note_$t')}"`),
  ].join(' && '),
}

async function fill(): Promise<number> {
  const admin = await connect(server.connection)
  await admin.query('CREATE DATABASE bench')
  await admin.end()
  const client = await connect(connection, { settings: { search_path: 'public' } })
  const rows = Math.ceil((GIGABYTES * 1e9) / ROW_BYTES / TABLES.length)
  for (const number of TABLES) {
    await client.query(`CREATE TABLE note_${number} ${COLUMNS}`)
    const copy = spawn(psql, ['-qX', '-c', `COPY note_${number} FROM STDIN`], {
      env: { ...env, PGDATABASE: 'bench' },
      stdio: ['pipe', 'ignore', 'inherit'],
    })
    await Promise.all([pipeline(Readable.from(chunksOf(noteRows(rows, number))), copy.stdin), timed(copy)])
    await client.query(indexesOf(`note_${number}`))
  }
  await client.query('VACUUM ANALYZE')
  const { rows: size } = await client.query(
    `SELECT sum(pg_table_size(oid))::text AS bytes FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`,
  )
  await client.end()
  return Number(size[0]?.bytes)
}

/** What disturbs a run only makes it longer, so the shortest of several is nearest to the truth. */
const best = (values: number[]) => Math.min(...values)

try {
  const size = await fill()
  process.stdout.write(`${formatSize(size)} in ${TABLES.length} tables, files in ${tmpdir()}\n`)
  const seconds: Record<'gzip' | 'full' | 'floor' | 'psql' | 'restoreFloor' | 'restore', number[]> = {
    gzip: [],
    full: [],
    floor: [],
    psql: [],
    restoreFloor: [],
    restore: [],
  }
  seconds.gzip.push(await shell(`${pgDump} | gzip > dump.sql.gz`))
  for (let round = 0; round < ROUNDS; round += 1) {
    seconds.floor.push(await shell(floor.backup))
    // As the floor's files do, this round's take the memory of the last one's: memory that was never used is slower.
    rmSync(join(folder, 'store'), { recursive: true, force: true })
    seconds.full.push(await emr('full'))
  }
  const gzipBytes = statSync(join(folder, 'dump.sql.gz')).size
  const fullBytes = bytesBelow(join(folder, 'store'))

  const client = await connect(connection, { settings: { search_path: 'public' } })
  await client.query(`UPDATE note_1 SET body = body || '.' WHERE id % 4 = 0`)
  await client.end()
  const incremental = await emr('incremental')
  await emr('verify', '--decode')

  const { chains } = JSON.parse(await listJson())
  const admin = await connect(server.connection)
  // For a further incremental it would keep the log of all that follows: three times the tables in each round.
  await admin.query('SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots')
  for (let round = 0; round < ROUNDS; round += 1) {
    await admin.query('CREATE DATABASE by_hand')
    const line = `gunzip -c dump.sql.gz | ${psql} -qX -v ON_ERROR_STOP=1`
    seconds.psql.push(await shell(line, 'by_hand'))
    await admin.query('DROP DATABASE by_hand')
    await admin.query('CREATE DATABASE floor')
    seconds.restoreFloor.push(await shell(floor.restore, 'floor'))
    await admin.query('DROP DATABASE floor')
    seconds.restore.push(await emr('restore', '--target', 'restored', '--to', chains.at(-1).id))
    await admin.query('DROP DATABASE restored')
  }
  await admin.end()
  const replaySeconds = await emr('restore', '--target', 'replayed')

  const ratio = (value: number, limit: number) =>
    `${value.toFixed(2)} (limit ${limit})${value <= limit ? '' : '  MISSED'}`
  const full = best(seconds.full)
  const rows = [
    ['full, time', 'pg_dump | gzip', ratio(full / best(seconds.gzip), 0.3)],
    ['full, bytes', 'pg_dump | gzip', ratio(fullBytes / gzipBytes, 0.9)],
    ['full, time', '2 COPYs through zstd', ratio(full / best(seconds.floor), 1.15)],
    ['restore, time', 'gunzip | psql', ratio(best(seconds.restore) / best(seconds.psql), 0.7)],
    [
      'restore, time',
      '2 COPYs out of zstd, then indexes',
      (best(seconds.restore) / best(seconds.restoreFloor)).toFixed(2),
    ],
    ['that floor', 'gunzip | psql', (best(seconds.restoreFloor) / best(seconds.psql)).toFixed(2)],
    ...Object.entries(memory).map(([verb, bytes]) => [
      `memory of ${verb}`,
      '200 MB',
      `${formatSize(bytes)}${bytes < 200e6 ? '' : '  MISSED'}`,
    ]),
  ]
  process.stdout.write(`${table(['WHAT', 'AGAINST', 'RATIO'], rows)}\n`)
  const all = { ...seconds, incremental, replaySeconds }
  process.stdout.write(
    `${JSON.stringify(all, (_key, value) => (typeof value === 'number' ? Number(value.toFixed(1)) : value))} seconds\n`,
  )
} finally {
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
}

async function listJson(): Promise<string> {
  const child = spawn(
    process.execPath,
    [
      resolve(import.meta.dirname, '../bin/run.js'),
      'db-backup',
      'list',
      '-e',
      'bench',
      '--config',
      config,
      '--json',
    ],
    { env },
  )
  let text = ''
  for await (const chunk of child.stdout) text += chunk
  return text
}
