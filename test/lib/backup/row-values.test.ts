import { execFileSync } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { libpqEnvironment } from '../../../src/lib/adapters/postgres/connection.ts'
import { findPrograms, restoreCommand } from '../../../src/lib/adapters/postgres/programs.ts'
import { feed } from '../../../src/lib/adapters/store/transfer.ts'
import { asEmrError, errorDocument, errorView } from '../../../src/lib/output/error-view.ts'
import { startPipeline } from '../../../src/lib/process/pipeline.ts'
import { ProcessRunner } from '../../../src/lib/process/runner.ts'
import { hasPostgres, type PostgresServer, startPostgres } from '../../support/postgres.ts'
import { temporaryFolder } from '../../support/project.ts'
import { newDatabase, open } from './project.ts'

const ROWS = `INSERT INTO t VALUES (1, E'Jane "J" Doe\nDETAIL:  born 1980', '{"name": "Jane"}'), (1, 'Doe', 'Jane')`

describe.skipIf(!hasPostgres)('what fails in a row is told without what is in it', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server?.stop())

  test.each([
    [
      'a duplicate key',
      'id int PRIMARY KEY, name text, document text',
      ['constraint "t_pkey"', 'Key (id)=(***)', 'COPY t, line 2'],
    ],
    [
      'a value of another type',
      'id int, name date, document text',
      ['type date', 'COPY t, line 1, column name'],
    ],
    ['no JSON', 'id int, name text, document json', ['type json', 'COPY t, line 2, column document']],
    [
      'a failing check',
      'id int, name text, document text CONSTRAINT c CHECK (document < name)',
      ['constraint "c"', 'relation "t"', 'COPY t, line 1'],
    ],
    [
      'too long a value',
      'id int, name varchar(5), document text',
      ['character varying(5)', 'COPY t, line 1, column name'],
    ],
  ])('%s', async (_what, columns, kept) => {
    const [source, target] = [await newDatabase(server), await newDatabase(server)]
    await (await open(source)).query(`CREATE TABLE t (id int, name text, document text); ${ROWS}`)
    await (await open(target)).query(`CREATE TABLE t (${columns})`)
    const runner = new ProcessRunner()
    const programs = await findPrograms(runner, 15)
    const archive = join(temporaryFolder(), 'dump')
    const env = { ...process.env, ...libpqEnvironment(source) } as NodeJS.ProcessEnv
    execFileSync(programs.pgDump, ['--format=custom', '--data-only', '--table=t', `--file=${archive}`], {
      env,
    })
    const piped = startPipeline([restoreCommand(programs, target, {})], new AbortController().signal)
    piped.stdout.resume()
    const failures = await Promise.allSettled([
      feed(createReadStream(archive), piped),
      runner.run(restoreCommand(programs, target, { archive })),
    ])
    for (const failure of failures) {
      const error = asEmrError((failure as PromiseRejectedResult).reason)
      expect(error.code).toBe('TOOL_FAILED')
      const shown = JSON.stringify(errorDocument(error)) + errorView(error, true)
      expect(shown).not.toMatch(/Jane|Doe|1980/)
      for (const words of kept) expect(error.message).toContain(words)
    }
  })

  test('also where the server tells it to emr itself', async () => {
    const client = await open(await newDatabase(server))
    await client.query('CREATE TABLE t (id int PRIMARY KEY, name text, born date)')
    for (const sql of [
      `INSERT INTO t VALUES (1, 'Jane'), (1, 'Doe')`,
      `INSERT INTO t VALUES (1, 'Doe', 'Jane')`,
    ]) {
      const error = asEmrError(await client.query(sql).catch((thrown) => thrown))
      expect(error.code).toBe('DATABASE_REFUSED')
      expect(JSON.stringify(errorDocument(error)) + errorView(error, true)).not.toMatch(/Jane|Doe/)
    }
  })
})
