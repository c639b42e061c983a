import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { advanceSlot, slotStates } from '../../../src/lib/adapters/postgres/slots.ts'
import { PostgresSource } from '../../../src/lib/adapters/postgres/source.ts'
import type { BackupManifest } from '../../../src/lib/domain/backup/manifest.ts'
import { ProcessRunner } from '../../../src/lib/process/runner.ts'
import { hasPostgres, type PostgresServer, startPostgres } from '../../support/postgres.ts'
import { argv, expectRestorable, grow, ownSlots, prepare } from './fixture.ts'
import { startProgram } from './program.ts'
import { open } from './project.ts'

describe.skipIf(!hasPostgres)('faults of a backup', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres({ wal_sender_timeout: '5s' })
  })
  afterAll(() => server?.stop())

  test('a second run at the same time is refused and names the first', async () => {
    const { source, project } = await prepare(server)
    const first = await PostgresSource.open(source, new ProcessRunner())
    const { exitCode, stdout } = await project.run('full', '--json')
    await first.close()
    expect(exitCode).toBe(8)
    expect(JSON.parse(stdout).error).toMatchObject({ code: 'BACKUP_LOCKED' })
  })

  test('an open write transaction blocks a full backup, which names it and gives up', async () => {
    const { source, client, project } = await prepare(server)
    await project.json('full')
    const writer = await open(source)
    await writer.query(`BEGIN; INSERT INTO t VALUES (-1, 'secret text')`)
    const { rows } = await writer.query('SELECT pg_backend_pid() AS pid')
    const { exitCode, stderr } = await project.run('full', '--lock-timeout', '1s')
    expect(exitCode).toBe(4)
    expect(stderr).toContain(`process ${rows[0].pid}, user emr`)
    expect(stderr).not.toContain('secret text')
    await writer.query('COMMIT')
    await project.json('full')
    await expectRestorable(project, source)
    expect(await ownSlots(client)).toHaveLength(1)
  })

  test('a terminated walsender is an error, and the next run reads the same changes', async () => {
    const { source, client, project } = await prepare(server)
    await project.json('full')
    await grow(client, 20_000)
    const run = project.run('incremental', '--max-rate', '200kB')
    await vi.waitFor(
      async () => {
        const { rows } = await client.query(
          `SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active AND database = current_database()`,
        )
        expect(rows).toHaveLength(1)
      },
      { timeout: 20_000, interval: 20 },
    )
    const { exitCode, stderr } = await run
    expect(exitCode).toBe(5)
    expect(stderr).toContain('The connection that reads the changes was lost')
    expect(await project.json('incremental')).toMatchObject({ kind: 'incremental', changes: 20_000 })
    await expectRestorable(project, source)
  })

  test('a slot that somebody reads from while it should advance', async () => {
    const { source, client, project } = await prepare(server, 10)
    const { slot, end } = await project.json<BackupManifest>('full')
    await grow(client, 10)
    const { rows } = await client.query('SELECT pg_current_wal_flush_lsn()::text AS lsn')
    const reader = await PostgresSource.open(source, new ProcessRunner())
    onTestFinished(() => reader.close())
    const stop = new AbortController()
    const mark = await reader.mark('test')
    const changes = reader.changes({ slot, tip: { id: 'none', end }, mark }, stop.signal)
    await changes.next()
    await expect(advanceSlot(client, slot, rows[0].lsn, 200)).rejects.toMatchObject({
      code: 'SLOT_IN_USE',
      exitCode: 5,
    })
    await changes.return(undefined as never)
    await advanceSlot(client, slot, rows[0].lsn)
    const [state] = await slotStates(client, slot)
    expect(state?.confirmedFlushLsn).toBe(rows[0].lsn)
  })

  test('a full disk of the target server: the restore fails, says why, and another one restores', async () => {
    const { source, project } = await prepare(server, 70_000)
    await project.json('full')
    // More than a segment of the log, less than the table.
    server.limitFiles(17_000_000)
    const failed = await project.run('restore', '--target', 'no_room')
    server.limitFiles('unlimited')
    expect(failed.stderr).toContain('could not extend file')
    expect(failed.exitCode).toBe(5)
    await expectRestorable(project, source)
  })

  test('a full store: nothing counts, nothing is left', async () => {
    const { client, project } = await prepare(server, 20_000)
    const limited = ['bash', '-c', 'ulimit -f 500; exec "$@"', 'bash']
    const { exitCode, stderr } = await startProgram(argv(project, 'full'), limited).ended
    expect(stderr).toContain('is full')
    expect(exitCode).toBe(5)
    expect(await project.json('list')).toMatchObject({ chains: [], unfinished: [], lastGood: null })
    expect(await ownSlots(client)).toEqual([])
    expect(existsSync(project.store)).toBe(false)
  })

  test('a store that is no directory', async () => {
    const { project } = await prepare(server)
    writeFileSync(join(project.folder, 'backups'), '')
    const { exitCode, stderr } = await project.run('full')
    expect(exitCode).toBe(4)
    expect(stderr).toContain('The backup store cannot be used')
  })

  test('a damaged manifest is no backup, and an alarm', async () => {
    const { project } = await prepare(server)
    const { id } = await project.json<BackupManifest>('full')
    const file = join(project.store, id, 'manifest.json')
    writeFileSync(file, readFileSync(file, 'utf8').replace('"serverMajor": 15', '"serverMajor": 14'))
    expect(await project.json('list')).toMatchObject({ chains: [], damaged: [{ id }] })
    expect((await project.run('verify')).exitCode).toBe(1)
    expect((await project.run('restore', '--target', 'never_made')).exitCode).toBe(1)
    expect((await project.run('status')).stdout).toContain(`the manifest of ${id} is damaged`)
  })
})
