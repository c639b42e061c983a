import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { COMMANDS } from '../../../src/commands/index.ts'
import { removeSandboxDatabase, startSandboxDatabase } from '../../../src/lib/sandbox/database.ts'
import { hasPostgres } from '../../support/postgres.ts'
import { temporaryFolder } from '../../support/project.ts'
import { runCommand } from '../../support/run-command.ts'

describe.skipIf(!hasPostgres)('the database of the sandbox', () => {
  test('is made on demand, is backed up into a directory, and goes with a reset', async () => {
    const folder = temporaryFolder({
      'emr.config.yaml':
        'services: {}\nenvironments:\n  sandbox: {cluster: {sandbox: {}}, backup: {store: .emr/backups}}\n',
    })
    const sandbox = join(folder, '.emr', 'sandbox')
    onTestFinished(() => removeSandboxDatabase(sandbox))
    const flags = ['-e', 'sandbox', '--config', join(folder, 'emr.config.yaml')]
    const full = await runCommand(COMMANDS['db-backup:full'], flags)
    expect(full).toMatchObject({ exitCode: 0 })
    expect((await runCommand(COMMANDS['db-backup:drill'], flags)).stdout).toContain('3 tables with 8000 rows')
    // The one that runs is found again; a stopped one starts with what it had.
    const first = await startSandboxDatabase(sandbox)
    await runCommand(COMMANDS['sandbox:stop'], flags.slice(2))
    expect(await startSandboxDatabase(sandbox)).toEqual(first)
    expect((await runCommand(COMMANDS['db-backup:incremental'], flags)).stdout).toContain(
      'incremental backup',
    )
    // The sandbox's server is not even up, as when it was killed: status shows what is left, and stop ends it.
    const status = async () =>
      JSON.parse((await runCommand(COMMANDS['sandbox:status'], [...flags.slice(2), '--json'])).stdout)
    expect(await status()).toMatchObject({ running: false, database: `127.0.0.1:${first?.port}` })
    rmSync(join(sandbox, 'database.json'))
    const stop = await runCommand(COMMANDS['sandbox:stop'], [...flags.slice(2), '--json'])
    expect(JSON.parse(stop.stdout)).toEqual({ stopped: true })
    expect(existsSync(join(first?.data ?? '', 'postmaster.pid'))).toBe(false)
    await runCommand(COMMANDS['sandbox:reset'], flags.slice(2))
    expect(existsSync(first?.data ?? '')).toBe(false)
  })
})
