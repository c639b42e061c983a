import type { AwsAccount } from '../../domain/environment.ts'
import { EmrError } from '../../errors.ts'
import { hasEnvironmentProxy } from '../network/proxy.ts'
import { EnvironmentProxyAgent } from '../network/proxy-agent.ts'
import { awsError } from './errors.ts'

/** What every AWS client of this environment is made with; it goes through the proxies that HTTPS_PROXY and NO_PROXY name. */
export function clientConfig({ region, profile, endpoint }: AwsAccount) {
  // S3 alone reads the last: an emulator has no host name for each bucket.
  const common = { region, profile, endpoint, maxAttempts: 4, forcePathStyle: endpoint !== undefined }
  if (!hasEnvironmentProxy()) return common
  const agent = new EnvironmentProxyAgent()
  const requestHandler = { httpAgent: agent, httpsAgent: agent }
  return { ...common, requestHandler, credentialDefaultProvider: credentialsThrough(requestHandler) }
}

/** The usual chain of credentials; left to itself, it asks the sign-in service of SSO without a proxy. */
function credentialsThrough(requestHandler: object) {
  return (options: object) => {
    const chain = import('@aws-sdk/credential-provider-node').then(({ defaultProvider }) =>
      defaultProvider({ ...options, clientConfig: { requestHandler } }),
    )
    return async () => (await chain)()
  }
}

/**
 * Asks AWS something with a client that is made for this and closed after it.
 * @param doing as in "read the EKS cluster x"
 * @throws {EmrError} when AWS refuses (exit 4); an EmrError of `ask` and an interruption as they are
 */
export async function withClient<Client extends { destroy: () => void }, T>(
  Client: new (config: ReturnType<typeof clientConfig>) => Client,
  account: AwsAccount,
  doing: string,
  ask: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client(clientConfig(account))
  try {
    return await ask(client)
  } catch (error) {
    if (error instanceof EmrError || (error as Error).name === 'AbortError') throw error
    throw awsError(error, doing, account.profile)
  } finally {
    client.destroy()
  }
}
