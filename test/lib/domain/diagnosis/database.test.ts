import { describe, expect, test } from 'vitest'
import { databaseCause } from '../../../../src/lib/domain/diagnosis/database.ts'

describe('what a log says of the database', () => {
  test.each([
    ['name', 'error: getaddrinfo ENOTFOUND emr-platform.abc.us-east-1.rds.amazonaws.com (database)'],
    ['refused', '{"msg":"cannot connect to the database","code":"ECONNREFUSED"}'],
    ['timeout', 'Error: connect ETIMEDOUT 10.0.40.15:5432'],
    ['tls', 'postgres: self-signed certificate in certificate chain'],
    ['authentication', 'error: password authentication failed for user "emr" (SQLSTATE 28P01)'],
    ['connections', 'FATAL: remaining connection slots are reserved for postgres superuser'],
  ])('%s', (code, line) => {
    expect(databaseCause(['{"msg":"starting"}', line])?.code).toBe(code)
  })
  test('nothing where another server refuses, or all is well', () => {
    expect(databaseCause(['connect ECONNREFUSED 10.0.40.20:6379 (redis)'])).toBeUndefined()
    expect(databaseCause(['database pool ready, port 5432'])).toBeUndefined()
  })
})
