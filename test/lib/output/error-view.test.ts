import { describe, expect, test } from 'vitest'
import { EmrError, ExitCode, InterruptedError } from '../../../src/lib/errors.ts'
import { asEmrError, errorDocument, errorView } from '../../../src/lib/output/error-view.ts'

const options = { code: 'CLUSTER_UNREACHABLE', exitCode: ExitCode.preflight, details: { server: 'x' } }
const unreachable = new EmrError('The operation was aborted', options)

test('what is no EmrError is a bug', () => {
  expect(asEmrError(new TypeError('x is undefined'))).toMatchObject({ code: 'INTERNAL', exitCode: 1 })
})

test('what a database server refuses is none', () => {
  const refusal = Object.assign(new Error('permission denied to create database'), {
    severity: 'ERROR',
    code: '42501',
  })
  const error = asEmrError(refusal)
  expect(error).toMatchObject({ code: 'DATABASE_REFUSED', exitCode: 5, details: { sqlState: '42501' } })
  expect(error.message).toBe('The database server refused: permission denied to create database')
  expect(error.suggestions.join()).toContain('docs/runbooks/backup-and-restore.md')
})

test('what a database server refuses is told without the values of rows, also where others quote it', () => {
  const refusal = Object.assign(new Error('invalid input syntax for type integer: "Jane "J" Doe\n1980"'), {
    ...{ severity: 'ERROR', code: '22P02', detail: 'Key (ssn)=(123) Jane', table: 't', constraint: 't_pkey' },
  })
  const quoting = new EmrError(`The replay failed: ${refusal.message}`, { ...options, cause: refusal })
  const raised = Object.assign(new Error('Jane is too young'), {
    ...{ severity: 'ERROR', code: 'P0001', where: 'PL/pgSQL function f() line 1 at RAISE' },
  })
  for (const thrown of [refusal, quoting, raised]) {
    for (const interrupt of [undefined, AbortSignal.abort(new InterruptedError())]) {
      const error = asEmrError(thrown, interrupt)
      expect(JSON.stringify(errorDocument(error)) + errorView(error, true)).not.toMatch(/Jane|Doe|1980|123/)
    }
  }
  expect(asEmrError(quoting).message).toBe('The replay failed: invalid input syntax for type integer: "***"')
  expect(asEmrError(refusal).details).toMatchObject({ table: 't', constraint: 't_pkey' })
  expect(errorView(asEmrError(refusal), true)).toContain('error-view.test.ts')
})

describe('after an interrupt', () => {
  const interrupt = AbortSignal.abort(new InterruptedError('Interrupted by SIGTERM'))
  test.each([new DOMException('The operation was aborted', 'AbortError'), unreachable])('%s', (thrown) => {
    const error = asEmrError(thrown, interrupt)
    expect(error).toMatchObject({ exitCode: 130, message: 'Interrupted by SIGTERM', cause: thrown })
  })
  test('what the work knows of its state is kept', () => {
    expect(asEmrError(unreachable, interrupt).details).toEqual({ server: 'x' })
    const told = new InterruptedError('The deploy was interrupted\n  ready: task-service')
    expect(asEmrError(told, interrupt)).toBe(told)
  })
})
