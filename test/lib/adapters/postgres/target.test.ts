import { describe, expect, test } from 'vitest'
import { connectionLoss, type DatabaseConnection } from '../../../../src/lib/adapters/postgres/connection.ts'
import { createDatabaseSql } from '../../../../src/lib/adapters/postgres/create-database.ts'
import { restoreCommand } from '../../../../src/lib/adapters/postgres/programs.ts'
import { refuseTarget } from '../../../../src/lib/cli/db-backup/restore.ts'
import { EmrError } from '../../../../src/lib/errors.ts'
import { ToolError } from '../../../../src/lib/process/runner.ts'

const connection: DatabaseConnection = {
  host: 'db',
  port: 5432,
  database: 'emr',
  user: 'emr',
  password: 'sikrit-42',
  tls: 'disable',
  rootCertificate: undefined,
}

describe('the database that a restore makes', () => {
  const libc = {
    encoding: 'LATIN1',
    collate: 'C',
    ctype: 'de_DE',
    provider: 'libc',
    locale: null,
    rules: null,
  } as const
  test.each([
    [undefined, ''],
    [libc, ` ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'de_DE' LOCALE_PROVIDER libc`],
    [
      { ...libc, provider: 'icu', locale: 'de', rules: `&'a' < b` } as const,
      ` ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'de_DE' LOCALE_PROVIDER icu ICU_LOCALE 'de' ICU_RULES '&''a'' < b'`,
    ],
    [
      { ...libc, provider: 'builtin', locale: 'C.UTF-8' } as const,
      ` ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'de_DE' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'`,
    ],
  ])('%o', (locale, options) => {
    expect(createDatabaseSql('we"ird', locale)).toBe(`CREATE DATABASE "we""ird" TEMPLATE template0${options}`)
  })
  test.each(['', 'postgres', 'template0', 'template1', 'ä'.repeat(32), 'a\0b'])(
    'is not called %j',
    (name) => {
      expect(() => refuseTarget(name)).toThrow(expect.objectContaining({ exitCode: 2 }))
    },
  )
  test.each([
    ['we"ird db', 'we"ird db'],
    [`it's=\\`, `dbname='it\\'s=\\\\'`],
    ['postgres://x', `dbname='postgres://x'`],
  ])('may be called %s', (database, argument) => {
    expect(() => refuseTarget(database)).not.toThrow()
    const programs = { pgDump: '', pgRestore: 'pg_restore', zstd: '' }
    expect(restoreCommand(programs, { ...connection, database }, {}).args).toContain(`--dbname=${argument}`)
  })
})

describe('a server that went away', () => {
  const tool = (stderr: string) =>
    new ToolError({ file: 'pg_restore', args: [], effect: 'write' }, 'exited with 1', {
      exitCode: 1,
      stdout: '',
      stderr,
    })
  const replay = new EmrError('The replay failed', {
    code: 'REPLAY_FAILED',
    exitCode: 1,
    cause: new Error('Connection terminated unexpectedly'),
  })
  test.each([
    [
      tool(
        'pg_restore: error: COPY failed: server closed the connection unexpectedly\n\tThis probably means …',
      ),
    ],
    [tool('pg_restore: error: connection to server at "db" (::1), port 5432 failed: Connection refused')],
    [tool('FATAL:  terminating connection due to administrator command')],
    [Object.assign(new Error('geht zu Ende'), { code: '57P01' })],
    [replay],
  ])('%s', (error) => {
    expect(connectionLoss(connection, error, 'again')).toMatchObject({
      code: 'DATABASE_LOST',
      exitCode: 5,
      suggestions: ['again'],
      cause: error,
    })
  })
  test.each([
    [tool('pg_restore: error: could not extend file: No space left on device')],
    [new EmrError('The store is gone: connection terminated', { code: 'STORE_UNREACHABLE', exitCode: 5 })],
    [new EmrError('Lost', { code: 'DATABASE_LOST', exitCode: 5, cause: replay })],
  ])('another fault stays itself: %s', (error) => {
    expect(connectionLoss(connection, error, 'again')).toBe(error)
  })
})
