import { expect, test } from 'vitest'
import { databaseCause } from '../../../../src/lib/domain/diagnosis/database.ts'

// What is found in logs is in test/e2e/monitor/catalogue/CRASH_LOOP.yaml.

test('a log tells nothing of the database where another server refuses, or all is well', () => {
  expect(databaseCause(['connect ECONNREFUSED 10.0.40.20:6379 (redis)'])).toBeUndefined()
  expect(databaseCause(['database pool ready, port 5432'])).toBeUndefined()
})
