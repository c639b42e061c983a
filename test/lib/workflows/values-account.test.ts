import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type EmrError, ExitCode } from '../../../src/lib/errors.ts'
import { checkRequest } from '../../../src/lib/workflows/deploy/prepare.ts'
import { foreignAccounts } from '../../../src/lib/workflows/values-account.ts'
import { FakeCluster } from '../../support/fake-cluster.ts'
import { temporaryFolder } from '../../support/project.ts'

const account = (id: string) => `global: { aws: { accountId: ${id}, region: us-east-1 } }\n`
const FILES = {
  'Chart.yaml': 'name: a\n',
  'own.yaml': account('"111111111111"'),
  'foreign.yaml': account('"222222222222"'),
  'number.yaml': account('111111111111'),
  'empty.yaml': account('""'),
  'nothing.yaml': '',
  'text.yaml': 'a text',
  'broken.yaml': 'global: {',
  'named-in-full.yaml': 'image: { registry: 222222222222.dkr.ecr.us-east-1.amazonaws.com }\n',
}

/** An environment in account 1…1, whose one service has these values files, and what is said of the foreign one. */
function environmentWith(...files: string[]) {
  const folder = temporaryFolder(FILES)
  const values = files.map((file) => join(folder, file))
  const { environment } = new FakeCluster().ports({
    aws: { accountId: '111111111111', region: 'us-east-1' },
    services: [{ name: 'a', chart: folder, values, needs: [] }],
  })
  const line = `${join(folder, 'foreign.yaml')}: global.aws.accountId is 222222222222, but environments.test.aws.accountId is 111111111111`
  return { environment, services: environment.services, line }
}

describe('values that name an account', () => {
  test.each([
    [['foreign.yaml']],
    [['own.yaml', 'foreign.yaml']],
    [['foreign.yaml', 'empty.yaml', 'nothing.yaml']],
  ])('of somebody else: %j', async (files) => {
    const { environment, services, line } = environmentWith(...files)
    expect(await foreignAccounts(environment, services)).toEqual([line])
    // The same file of two services is told once.
    expect(await foreignAccounts(environment, [...services, ...services])).toEqual([line])
  })

  test.each([
    [['own.yaml']],
    [['number.yaml']],
    [['foreign.yaml', 'own.yaml']],
    [['nothing.yaml', 'text.yaml', 'broken.yaml', 'named-in-full.yaml']],
    [[]],
  ])('of the environment, or none: %j', async (files) => {
    const { environment, services } = environmentWith(...files)
    expect(await foreignAccounts(environment, services)).toEqual([])
  })

  test('an environment without an account compares nothing', async () => {
    const { environment, services } = environmentWith('foreign.yaml')
    expect(await foreignAccounts({ ...environment, aws: undefined }, services)).toEqual([])
  })
})

test('a deploy refuses values of another account, before anything is reached', async () => {
  const request = { services: [], tags: {}, concurrency: 4, timeoutMs: 1 }
  const { environment, line } = environmentWith('foreign.yaml')
  const refusal = await checkRequest(environment, request).catch((error: EmrError) => error)
  expect(refusal).toMatchObject({
    code: 'PREFLIGHT',
    exitCode: ExitCode.preflight,
    message: `The deploy cannot start: a problem\n  • ${line}`,
    details: { problems: [line] },
  })
  expect(await checkRequest(environmentWith('own.yaml').environment, request)).toHaveLength(1)
  // A change of what runs takes nothing from the files.
  expect(await checkRequest(environment, { ...request, change: { replicas: '2' } })).toHaveLength(1)
})
