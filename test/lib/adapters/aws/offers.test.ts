import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { askBriefly } from '../../../../src/lib/adapters/aws/ask.ts'
import { quotaView } from '../../../../src/lib/adapters/aws/quotas.ts'
import { offeredVersions } from '../../../../src/lib/adapters/aws/versions.ts'
import type { AwsAccount } from '../../../../src/lib/domain/environment.ts'
import type { ApiAnswer, ApiRequest } from '../../../support/emulator/gaps.ts'
import { queryOf, xml } from '../../../support/emulator/gaps.ts'
import { offers } from '../../../support/emulator/offers.ts'

const CREDENTIALS = { AWS_ACCESS_KEY_ID: 'testing', AWS_SECRET_ACCESS_KEY: 'testing' }
const before = { ...process.env }
beforeAll(() => void Object.assign(process.env, CREDENTIALS))
afterAll(() => {
  for (const name of Object.keys(CREDENTIALS)) delete process.env[name]
  Object.assign(process.env, before)
})

const { signal } = new AbortController()

/** An account whose APIs answer like this, until the test ends. */
async function account(answer: (request: ApiRequest) => ApiAnswer | undefined): Promise<AwsAccount> {
  const server = createServer((incoming, response) => void reply(incoming, response, answer))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { accountId: '123456789012', region: 'us-east-1', endpoint: `http://127.0.0.1:${port}` }
}

async function reply(
  incoming: IncomingMessage,
  response: ServerResponse,
  answer: (request: ApiRequest) => ApiAnswer | undefined,
): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk)
  const { method = 'GET', headers } = incoming
  const url = new URL(incoming.url ?? '/', 'http://aws')
  const found = answer({ method, url, headers, body: Buffer.concat(chunks).toString() })
  const { status, type, body } = found ?? { status: 500, type: 'json', body: '{}' }
  response.writeHead(status, { 'content-type': `application/${type}` }).end(body)
}

/** EC2 with one network, one address, three running instances, of which one counts for the quota. */
function ec2(request: ApiRequest): ApiAnswer | undefined {
  const instance = (type: string, extra = '') =>
    `<item><instanceType>${type}</instanceType><cpuOptions><coreCount>4</coreCount><threadsPerCore>2</threadsPerCore></cpuOptions>${extra}</item>`
  const spot = '<instanceLifecycle>spot</instanceLifecycle>'
  const answers: Record<string, string> = {
    DescribeVpcs: '<vpcSet><item><vpcId>vpc-1</vpcId></item></vpcSet>',
    DescribeAddresses: '<addressesSet><item><publicIp>192.0.2.1</publicIp></item></addressesSet>',
    DescribeInstances: `<reservationSet><item><instancesSet>${instance('m6i.2xlarge')}${instance('m6i.2xlarge', spot)}${instance('g5.2xlarge')}</instancesSet></item></reservationSet>`,
  }
  const action = queryOf(request).get('Action') ?? ''
  return answers[action] === undefined
    ? undefined
    : xml(`<${action}Response>${answers[action]}</${action}Response>`)
}

const here = (request: ApiRequest) => ec2(request) ?? offers.answer?.(request)

describe('the versions that AWS creates', () => {
  test.each([
    ['eks', { version: '1.33', isDefault: true }],
    ['rds', { version: '15.13' }],
    ['msk', { version: '3.8.x' }],
    ['elasticache', { version: '7.0' }],
  ] as const)('of %s', async (service, one) => {
    expect(await offeredVersions(await account(here), service, signal)).toContainEqual(one)
  })
  test('a version that MSK still knows, but no longer creates, is none', async () => {
    const versions = await offeredVersions(await account(here), 'msk', signal)
    expect(versions.map(({ version }) => version)).not.toContain('3.5.1')
  })
  test('an identity that may not ask is told so', async () => {
    const denied = await account(() => ({
      status: 403,
      type: 'xml',
      body: '<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no rds:DescribeDBEngineVersions</Message></Error></ErrorResponse>',
    }))
    await expect(offeredVersions(denied, 'rds', signal)).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      exitCode: 4,
      message: expect.stringContaining('may not list the PostgreSQL versions of RDS'),
    })
  })
})

describe('a question to AWS', () => {
  const silent = (abortSignal: AbortSignal) =>
    new Promise<never>((_, fail) => abortSignal.addEventListener('abort', () => fail(abortSignal.reason)))
  const ask = (abortSignal: AbortSignal, withinMs: number) =>
    askBriefly({ accountId: '1', region: 'us-east-1' }, 'ask', abortSignal, silent, withinMs)

  test('that nobody answers is given up', async () => {
    await expect(ask(signal, 5)).rejects.toMatchObject({
      code: 'AWS_SILENT',
      message: 'Cannot ask: AWS did not answer within 0.005 s',
    })
  })
  test('ends with the command', async () => {
    const command = new AbortController()
    const asked = ask(command.signal, 60_000)
    command.abort(new Error('interrupted'))
    await expect(asked).rejects.toThrow('interrupted')
  })
})

describe('the quotas of the account', () => {
  test.each([
    ['vpcs', { limit: 5, used: 1 }],
    ['elasticIps', { limit: 5, used: 1 }],
    ['vcpus', { limit: 128, used: 8 }],
  ] as const)('of %s', async (name, view) => {
    expect(await quotaView(await account(here), name, signal)).toEqual(view)
  })
  test('one that nobody has changed is that of AWS', async () => {
    const answer = (request: ApiRequest): ApiAnswer | undefined => {
      if (!String(request.headers['x-amz-target']).endsWith('.GetServiceQuota')) return here(request)
      return { status: 400, type: 'json', body: '{"__type":"NoSuchResourceException","Message":"none"}' }
    }
    expect(await quotaView(await account(answer), 'vpcs', signal)).toEqual({ limit: 5, used: 1 })
  })
})
