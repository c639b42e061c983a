import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { readAws } from '../../../src/lib/cli/diagnose-aws.ts'
import type { DatabaseReference } from '../../../src/lib/domain/backup/settings.ts'
import { databaseFindings } from '../../../src/lib/domain/diagnosis/cluster.ts'
import { type CloudState, startRecordedCloud } from '../../support/cloudwatch-recorded.ts'

let cloud: Awaited<ReturnType<typeof startRecordedCloud>>
const states: Record<string, CloudState> = {}
beforeAll(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'testing')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'testing')
  cloud = await startRecordedCloud(states)
})
afterAll(() => {
  vi.unstubAllEnvs()
  cloud.close()
})

/** What is found in, and not known of, environment `dev`, whose account has this one database. */
async function diagnose(state: CloudState, database?: Partial<DatabaseReference>) {
  states.dev = { alarms: [], ...state }
  const aws = { accountId: '222222222222', region: 'us-east-1', endpoint: `${cloud.url}/dev` }
  const reference = database && { tls: { mode: 'verify-full' as const }, ...database }
  const environment = { name: 'dev', aws, cluster: { kind: 'sandbox' as const }, database: reference }
  const { facts, gaps } = await readAws(environment, AbortSignal.timeout(20_000))
  const found = databaseFindings(facts).map(({ code, object, reason }) => `${code} ${object.name} ${reason}`)
  return { found, gaps: gaps.map(({ what, why }) => `${what}: ${why}`) }
}

const stopped = { instance: 'patients', database: 'stopped' }
const unknown = (sought: string) => [
  `RDS: No RDS instance in us-east-1 of 222222222222 ${sought}; set environments.dev.database.instance`,
]

test('the database that the configuration names is judged, whatever its name', async () => {
  const down = { found: ['DATABASE_DOWN patients stopped'], gaps: [] }
  expect(await diagnose(stopped, { instance: 'patients' })).toEqual(down)
  expect(await diagnose(stopped, { instance: 'Patients' })).toEqual(down)
  expect(await diagnose(stopped, { host: 'patients.abc.us-east-1.rds.amazonaws.com' })).toEqual(down)
  expect(await diagnose({ ...stopped, database: 'available' }, { instance: 'patients' })).toEqual({
    found: [],
    gaps: [],
  })
})

test('one that does not exist is down', async () => {
  expect(await diagnose({ database: 'available' }, { instance: 'patients' })).toEqual({
    found: ['DATABASE_DOWN patients missing'],
    gaps: [],
  })
})

test('one that is not found is not evaluated', async () => {
  expect(await diagnose(stopped)).toEqual({ found: [], gaps: unknown('is called emr-platform-dev-…') })
  const host = 'other.abc.us-east-1.rds.amazonaws.com'
  expect(await diagnose(stopped, { host })).toEqual({ found: [], gaps: unknown(`listens at ${host}`) })
})

test('a server of somebody else is not for RDS to judge', async () => {
  expect(await diagnose(stopped, { host: 'postgres.example.com' })).toEqual({ found: [], gaps: [] })
})

test('the database of an environment whose name begins alike is not its own', async () => {
  const theirs = { ...stopped, instance: 'emr-platform-development-postgres' }
  expect((await diagnose(theirs)).gaps).toEqual(unknown('is called emr-platform-dev-…'))
  const own = { ...stopped, instance: 'emr-platform-dev-postgres' }
  expect((await diagnose(own)).found).toEqual(['DATABASE_DOWN emr-platform-dev-postgres stopped'])
})
