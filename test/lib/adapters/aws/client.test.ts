import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { withClient } from '../../../../src/lib/adapters/aws/client.ts'
import type { AwsAccount } from '../../../../src/lib/domain/environment.ts'
import { EmrError } from '../../../../src/lib/errors.ts'

const account: AwsAccount = { accountId: '123456789012', region: 'eu-central-1', profile: 'staging' }

let closed = 0
class Client {
  readonly config: object
  constructor(config: object) {
    this.config = config
  }
  destroy() {
    closed += 1
  }
}

/** What a question ends with, and how many clients it closed. */
async function ask(question: (client: Client) => Promise<unknown>) {
  closed = 0
  const end = await withClient(Client, account, 'read the sky', question).catch((error: unknown) => error)
  return { end, closed }
}

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name })
}

describe('a client for one question', () => {
  it('is made for the region and profile, and closed behind the answer', async () => {
    const { end, closed } = await ask(async (client) => client.config)
    expect(end).toMatchObject({ region: 'eu-central-1', profile: 'staging', maxAttempts: 4 })
    expect(closed).toBe(1)
  })

  it('says what AWS refused, and is closed then too', async () => {
    const { end, closed } = await ask(() => Promise.reject(named('AccessDenied', 'no')))
    expect(end).toMatchObject({ code: 'ACCESS_DENIED', message: 'The AWS identity may not read the sky: no' })
    expect(closed).toBe(1)
  })

  it.each([
    new EmrError('It is night', { code: 'NIGHT', exitCode: 4 }),
    named('AbortError', 'Request aborted'),
  ])('leaves %s as it is', async (error) => {
    expect(await ask(() => Promise.reject(error))).toEqual({ end: error, closed: 1 })
  })
})

describe('the proxy of the environment', () => {
  afterEach(() => void vi.unstubAllEnvs())

  /** What a proxy is asked for while AWS is asked who we are. */
  async function whileAsking(environment: Record<string, string>): Promise<string[]> {
    const asked: string[] = []
    const proxy = createServer((request, response) => {
      asked.push(request.url ?? '')
      response.end('<GetCallerIdentityResponse/>')
    })
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    const { port } = proxy.address() as AddressInfo
    const values = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', HTTP_PROXY: `127.0.0.1:${port}` }
    for (const [name, value] of Object.entries({ ...values, ...environment })) vi.stubEnv(name, value)
    try {
      const here = { ...account, profile: undefined, endpoint: 'http://sts.invalid' }
      await withClient(STSClient, here, 'ask', (client) => client.send(new GetCallerIdentityCommand({})))
    } finally {
      proxy.closeAllConnections()
      proxy.close()
    }
    return asked
  }

  it('is used', async () => {
    expect(await whileAsking({})).toEqual(['http://sts.invalid/'])
  })

  it('is not used for what NO_PROXY names', async () => {
    await expect(whileAsking({ NO_PROXY: '.invalid' })).rejects.toThrow(/ENOTFOUND|EAI_AGAIN/)
  })
})
