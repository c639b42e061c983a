import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { DatabaseConnection } from '../../../src/lib/adapters/postgres/connection.ts'
import { makeDatabase } from '../../../src/lib/adapters/postgres/create-database.ts'
import type { BackupManifest } from '../../../src/lib/domain/backup/manifest.ts'
import { hasPostgres, type PostgresServer, startPostgres } from '../../support/postgres.ts'
import { startProgram } from './program.ts'
import { backupProject, newDatabase, open } from './project.ts'

describe.skipIf(!hasPostgres)('bad input', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server?.stop())

  test('a wrong password, a wrong database, no server, no TLS: exit 4, never with the password', async () => {
    const good = server.connection
    const cases: [Partial<DatabaseConnection>, string][] = [
      [{ password: 'wrong-password' }, 'password authentication failed'],
      [{ database: 'nope' }, 'does not exist'],
      [{ port: 1 }, 'ECONNREFUSED'],
    ]
    for (const [change, words] of cases) {
      const { exitCode, stderr, stdout } = await backupProject({ ...good, ...change }).run('full', '--json')
      expect(exitCode).toBe(4)
      expect(stderr).toContain(words)
      expect(JSON.parse(stdout).error.exitCode).toBe(4)
      expect(stderr + stdout).not.toMatch(/sikrit|wrong-password/)
    }
    const { host, port, user } = good
    const database = `{host: ${host}, port: ${port}, name: postgres, user: ${user}, password: {file: password}}`
    const plain = await backupProject(good, { database }).run('full')
    expect(plain.exitCode).toBe(4)
    expect(plain.stderr).toContain('does not support SSL')
  })
  test('wrong words exit 2', async () => {
    const project = backupProject(await newDatabase(server))
    for (const [verb, ...argv] of [
      ['verify', '--backup', 'nope'],
      ['full', '--max-rate', 'fast'],
      ['full', '--annotate', 'no-value'],
    ] as const) {
      expect({ verb, argv, ...(await project.run(verb, ...argv)) }).toMatchObject({ exitCode: 2, stdout: '' })
    }
    expect((await project.run('restore', '--target', 'x')).exitCode).toBe(1)
    await project.json('full', '--annotate', 'ticket=OPS-1')
    for (const to of ['yesterday', '2020-01-01T00:00:00Z', '2026-01-01T00:00:00'])
      expect((await project.run('restore', '--target', 'x', '--to', to)).exitCode).toBe(2)
  })
  test('a target that is not empty and a missing program', async () => {
    const source = await newDatabase(server)
    const client = await open(source)
    await client.query('CREATE TABLE t (id int PRIMARY KEY)')
    const project = backupProject(source)
    await project.json('full')
    const { exitCode, stderr } = await project.run('restore', '--target', source.database)
    expect(exitCode).toBe(4)
    expect(stderr).toContain('is not empty: it has')
    // Two restores that make their target at once: the lock decides between them.
    const made = `made_${process.pid}`
    const making = Array.from({ length: 6 }, () => makeDatabase(source, made, undefined, async () => 15))
    expect(new Set(await Promise.all(making)).size).toBe(1)
    const locale = {
      encoding: 'UTF8',
      collate: 'xx_XX',
      ctype: 'C',
      provider: 'libc',
      locale: null,
      rules: null,
    } as const
    await expect(makeDatabase(source, `${made}_not`, locale, async () => 15)).rejects.toMatchObject({
      code: 'TARGET_NOT_MADE',
      exitCode: 4,
    })
    vi.stubEnv('PATH', '/nonexistent')
    const missing = await project.run('full')
    vi.unstubAllEnvs()
    expect(missing.exitCode).toBe(4)
    expect(missing.stderr).toContain('zstd, and none was found')
  })
  test('roles that the target has not are named', async () => {
    const source = await newDatabase(server)
    const client = await open(source)
    await client.query(
      'CREATE ROLE some_reader; CREATE TABLE t (id int PRIMARY KEY); GRANT SELECT ON t TO some_reader',
    )
    const project = backupProject(source)
    const full = await project.json<BackupManifest>('full')
    expect(full).toMatchObject({ roles: ['some_reader'] })
    await client.query('DROP OWNED BY some_reader; DROP ROLE some_reader')
    const { exitCode, stderr } = await project.run('restore', '--target', 'roleless', '--to', full.id)
    expect(exitCode).toBe(4)
    expect(stderr).toContain('some_reader')
    await project.json('restore', '--target', 'roleless', '--no-owner', '--to', full.id)
  })
  test('the password is in no argument of any process', async () => {
    const source = await newDatabase(server)
    const client = await open(source)
    await client.query(
      `CREATE TABLE t AS SELECT md5(random()::text) FROM generate_series(1, 3000); ALTER TABLE t REPLICA IDENTITY FULL`,
    )
    const project = backupProject(source)
    const program = startProgram([
      'db-backup',
      'full',
      'local',
      '--config',
      project.config,
      '--max-rate',
      '40kB',
    ])
    await program.says('Dump the schema')
    const seen = await vi.waitFor(() => {
      const lines = readdirSync('/proc').flatMap((name) => {
        if (!/^\d+$/.test(name)) return []
        try {
          return [readFileSync(`/proc/${name}/cmdline`, 'utf8')]
        } catch {
          return []
        }
      })
      expect(lines.some((line) => line.includes('pg_dump'))).toBe(true)
      return lines
    })
    expect(seen.filter((line) => line.includes('sikrit-42'))).toEqual([])
    const { exitCode, stdout, stderr } = await program.ended
    expect(exitCode).toBe(0)
    expect(stdout + stderr).not.toContain('sikrit-42')
  })
})
