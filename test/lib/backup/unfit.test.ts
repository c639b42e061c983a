import { chmodSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { findPrograms } from '../../../src/lib/adapters/postgres/programs.ts'
import { ProcessRunner } from '../../../src/lib/process/runner.ts'
import { hasPostgres, type PostgresServer, startPostgres } from '../../support/postgres.ts'
import { temporaryFolder } from '../../support/project.ts'
import { ownSlots, prepare } from './fixture.ts'
import { type BackupProject, backupProject } from './project.ts'

async function errorOf(project: BackupProject, verb: 'full' | 'incremental') {
  const { stdout, exitCode } = await project.run(verb, '--json')
  const { error } = JSON.parse(stdout)
  expect(error.exitCode).toBe(exitCode)
  return error
}

describe.skipIf(!hasPostgres)('a server or a machine that is not fit for backups', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres({ max_replication_slots: '2' })
  })
  afterAll(() => server?.stop())

  test('a log that tells too little', async () => {
    const own = await startPostgres({ wal_level: 'replica' })
    onTestFinished(() => own.stop())
    expect(await errorOf(backupProject(own.connection), 'full')).toMatchObject({
      code: 'WAL_LEVEL',
      exitCode: 4,
      message: expect.stringContaining('replica'),
    })
  })

  test.each([
    ['for the beginning', 2],
    ['for the chain', 1],
  ])('no free replication slot %s', async (_, used) => {
    const { client, project } = await prepare(server, 10)
    const names = Array.from({ length: used }, (_value, index) => `other_${index}`)
    for (const name of names) await client.query('SELECT pg_create_physical_replication_slot($1)', [name])
    const error = await errorOf(project, 'full')
    for (const name of names) await client.query('SELECT pg_drop_replication_slot($1)', [name])
    expect(error).toMatchObject({ code: 'SLOTS_EXHAUSTED', exitCode: 4 })
    expect(error.suggestions[0]).toContain('max_replication_slots')
    expect(await project.json('list')).toMatchObject({ chains: [], unfinished: [] })
    expect(await ownSlots(client)).toEqual([])
    await project.json('full')
  })

  test('a role that may not replicate', async () => {
    const { source, client, project } = await prepare(server, 10)
    await project.json('full')
    await client.query(`CREATE ROLE reader LOGIN PASSWORD 'r'; GRANT pg_read_all_data TO reader`)
    const denied = backupProject({ ...source, user: 'reader', password: 'r' })
    const error = await errorOf(denied, 'full')
    expect(error).toMatchObject({ code: 'REPLICATION_DENIED', exitCode: 4 })
    expect(error.suggestions[0]).toContain('REPLICATION')
  })

  test('a pg_dump that is older than the server', async () => {
    const programs = (version: string) => {
      const script = `#!/bin/sh\necho 'pg_dump (PostgreSQL) ${version}'\n`
      const folder = temporaryFolder({ pg_dump: script, pg_restore: script })
      for (const name of ['pg_dump', 'pg_restore']) chmodSync(join(folder, name), 0o755)
      vi.stubEnv('PATH', `${folder}${delimiter}${process.env.PATH}`)
    }
    onTestFinished(() => void vi.unstubAllEnvs())
    // A major that the folders of Debian do not have.
    programs('98.4')
    await expect(findPrograms(new ProcessRunner(), 99)).rejects.toMatchObject({
      code: 'BACKUP_TOOL_MISSING',
      exitCode: 4,
      message:
        'Backups of a PostgreSQL 99 server need pg_dump 99 or newer, pg_restore 99 or newer, and none was found',
    })
    programs('99.0')
    expect(await findPrograms(new ProcessRunner(), 99)).toMatchObject({
      pgDump: 'pg_dump',
      pgRestore: 'pg_restore',
    })
  })
})
