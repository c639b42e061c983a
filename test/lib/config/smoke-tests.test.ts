import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadSmokeTests, type SmokeTestNames } from '../../../src/lib/config/smoke-tests.ts'
import { temporaryFolder } from '../../support/project.ts'

const names: SmokeTestNames = {
  services: ['task-service', 'api-gateway'],
  environments: ['sandbox', 'production'],
  environment: 'sandbox',
  env: { TOKEN: 'abc' },
}

function load(content: string, rest: Partial<SmokeTestNames> = {}) {
  const folder = temporaryFolder({ 'smoke-tests.yaml': content })
  return loadSmokeTests(`${folder}/smoke-tests.yaml`, { ...names, ...rest })
}

/** The problems of a file, as `line:column message`. */
async function problems(content: string, rest: Partial<SmokeTestNames> = {}): Promise<string[]> {
  const error = await load(content, rest).then(
    () => undefined,
    (thrown) => thrown,
  )
  expect(error).toMatchObject({ exitCode: 3 })
  return error.details.problems.map(
    ({ line, column, message }: { line: number; column: number; message: string }) =>
      `${line}:${column} ${message}`,
  )
}

test('the file of this project is good, with defaults filled in', async () => {
  const file = resolve(import.meta.dirname, '../../../smoke-tests.yaml')
  const five = ['task-service', 'emr-service', 'sync-service', 'handover-service', 'api-gateway']
  const four = ['sandbox', 'development', 'staging', 'production']
  const suite = await loadSmokeTests(file, { ...names, services: five, environments: four })
  expect(suite?.tests[0]).toMatchObject({
    name: 'the gateway is ready',
    timeoutMs: 5000,
    attempts: 5,
    pauseMs: 1000,
    check: { kind: 'http', method: 'GET', expect: { status: [200], within: 2000 } },
  })
  expect(suite?.tests.map(({ check }) => check.kind)).toContain('tcp')
})

test('no file: nothing to run', async () => {
  expect(await loadSmokeTests('/no/such/file.yaml', names)).toBeUndefined()
})

test('a file that cannot be read is named with the reason', async () => {
  const folder = temporaryFolder()
  await expect(loadSmokeTests(folder, names)).rejects.toMatchObject({
    exitCode: 3,
    message: `The file of smoke tests ${folder} cannot be read: it is a folder`,
  })
})

test('a redirect is a redirect unless a status is named', async () => {
  const suite = await load('tests: [{name: a, http: {url: http://x/, expect: {redirect: https://x/}}}]')
  expect(suite?.tests[0]?.check).toMatchObject({ expect: { status: [301, 302, 307, 308] } })
})

describe('every problem with its line', () => {
  test('unknown and doubled keys, wrong values, all at once', async () => {
    const content = `tests:
  - name: a
    htpp: {}
  - name: b
    name: c
    timeout: soon
    http:
      url: \${gateway}/x
      expect: { status: 1000, json: { "a[": 1 }, headers: { x: "/(/" } }
`
    expect(await problems(content)).toEqual([
      '2:5 a test has either http or tcp',
      "3:5 unknown key; did you mean 'http'?",
      '5:5 this key stands twice',
      '6:14 write a duration such as 500ms, 5s or 1m',
      '9:25 write a status from 100 to 599',
      '9:39 write a path such as checks[0].status',
      '9:64 this is no regular expression',
    ])
  })
  test('names that mean nothing', async () => {
    const content = `tests:
  - name: a
    environments: [prodution]
    http: { service: tsk-service, path: /x }
  - name: a
    http: { url: "http://\${gatewy}/\${version.nope}" }
  - name: c
    http: { url: "http://x/\${gateway" }
`
    expect(await problems(content)).toEqual([
      "3:20 there is no environment 'prodution'; did you mean 'production'?",
      "4:22 there is no service 'tsk-service'; did you mean 'task-service'?",
      "5:11 there is another test 'a'",
      "6:18 there is no expression 'gatewy'; did you mean 'gateway'?",
      "6:18 there is no service 'nope'; known: task-service, api-gateway",
      '8:18 an expression is not closed: a } is missing',
    ])
  })
  test('a fault of syntax, once', async () => {
    expect(await problems('tests: [{name: a\n  - b: ]')).toHaveLength(1)
  })
})

describe('secrets', () => {
  const content = `tests:
  - name: a
    environments: [production]
    http: { url: http://x/, headers: { authorization: "Bearer \${secret.NOPE}" } }
`
  test('one that is not set is refused where the test would run', async () => {
    expect(await problems(content, { environment: 'production' })).toEqual([
      '4:55 the secret is missing: set the environment variable NOPE',
    ])
  })
  test('elsewhere it is not needed', async () => {
    expect((await load(content))?.tests).toHaveLength(1)
  })
})
