import { globSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { BackupManifest } from '../../../src/lib/domain/backup/manifest.ts'
import { hasPostgres, type PostgresServer, startPostgres } from '../../support/postgres.ts'
import { type DatabaseProxy, startDatabaseProxy } from './database-proxy.ts'
import { argv, expectRestorable, grow, ownSlots, prepare } from './fixture.ts'
import { startProgram } from './program.ts'
import { type BackupProject, backupProject } from './project.ts'

describe.skipIf(!hasPostgres)('a backup that is killed with SIGKILL', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres({ wal_sender_timeout: '5s' })
  })
  afterAll(() => server?.stop())

  /** Kills a run where it has come to a title, has written data of its own, or asks the server for something. */
  async function killAt(
    run: string[],
    project: BackupProject,
    proxy: DatabaseProxy,
    how: Point,
    what: string,
  ) {
    const held = how === 'statement' ? proxy.hold(what) : undefined
    const program = startProgram(how === 'data' ? [...run, '--max-rate', '600kB'] : run)
    if (how === 'title') await program.says(what)
    if (how === 'data')
      await vi.waitFor(
        () => {
          const files = globSync(join(project.store, '*', `${what}*.partial`))
          expect(files.some((file) => statSync(file).size > 0)).toBe(true)
        },
        { timeout: 20_000 },
      )
    await held?.seen
    program.kill()
    expect((await program.ended).exitCode).toBe(null)
    held?.drop()
  }

  test.each<[string, Point, string, number]>([
    ['full', 'title', 'Set up the publication', 1],
    ['full', 'title', 'Wait for a consistent', 1],
    ['full', 'data', 'data-', 1],
    ['full', 'title', 'Write the manifest', 1],
    // The manifest is there, and the slot of the chain before is, too.
    ['full', 'statement', 'pg_drop_replication_slot', 2],
    ['incremental', 'title', 'Find the chain', 1],
    ['incremental', 'statement', 'emr_marker', 1],
    ['incremental', 'title', 'Read the changes', 1],
    ['incremental', 'title', 'Write the manifest', 1],
    // The manifest is there, and the slot still where it was.
    ['incremental', 'statement', 'pg_replication_slot_advance', 2],
  ])('%s at the %s: %s', async (verb, how, what, whole) => {
    // More than the store gathers before it writes.
    const { source, client } = await prepare(server, how === 'data' ? 20_000 : 1000)
    const proxy = await startDatabaseProxy(source)
    const project = backupProject(proxy.connection)
    const before = await project.json<BackupManifest>('full')
    await grow(client, 500)
    await killAt(argv(project, verb), project, proxy, how, what)
    const manifests = globSync(join(project.store, '*', 'manifest.json'))
    if (how === 'statement') expect(manifests).toHaveLength(whole)
    const slots = await ownSlots(client)
    if (what === 'pg_drop_replication_slot') expect(slots).toHaveLength(2)
    await client.query(`UPDATE t SET text = 'after the kill' WHERE id % 100 = 0`)
    // The advisory lock goes when the server sees that its client is gone.
    const next = await vi.waitFor(() => project.json<BackupManifest>('incremental'), {
      timeout: 20_000,
      interval: 200,
    })
    if (what === 'pg_replication_slot_advance') expect(next).toMatchObject({ transactions: 1 })
    expect(next.kind).toBe('incremental')
    await expectRestorable(project, source)
    expect(await ownSlots(client)).toHaveLength(1)
    const list = await project.json<{ chains: { id: string }[]; damaged: unknown[]; orphans: unknown[] }>(
      'list',
    )
    expect(list).toMatchObject({ damaged: [], orphans: [] })
    expect(list.chains[0]?.id).toBe(before.id)
  })
})

type Point = 'title' | 'data' | 'statement'
