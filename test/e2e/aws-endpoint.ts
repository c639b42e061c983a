import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What the endpoint says; as AWS answers, word for word where it matters. */
export interface AwsAnswers {
  /** Account of the caller; 'expired' for credentials whose time is over. */
  account: string
  /** Of every EKS cluster that is asked for; undefined where there is none. */
  cluster?: { endpoint: string; certificateAuthority: string }
}

/** One address for the AWS APIs that a deploy of services asks: STS GetCallerIdentity and EKS DescribeCluster. */
export async function startAwsEndpoint(answers: AwsAnswers): Promise<{ url: string; close: () => void }> {
  const server = createServer((request, response) => {
    const cluster = /^\/clusters\/([^/?]+)/.exec(request.url ?? '')?.[1]
    const { status, type, body } = cluster ? describeCluster(cluster, answers) : callerIdentity(answers)
    response.writeHead(status, {
      'content-type': type,
      ...(status === 404 && { 'x-amzn-errortype': 'ResourceNotFoundException' }),
    })
    response.end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() }
}

function callerIdentity({ account }: AwsAnswers) {
  if (account === 'expired') {
    const error =
      '<Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>The security token included in the request is expired</Message></Error>'
    return {
      status: 403,
      type: 'text/xml',
      body: `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">${error}</ErrorResponse>`,
    }
  }
  const result = `<Arn>arn:aws:sts::${account}:assumed-role/platform/ana</Arn><UserId>AROA:ana</UserId><Account>${account}</Account>`
  const body = `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>${result}</GetCallerIdentityResult></GetCallerIdentityResponse>`
  return { status: 200, type: 'text/xml', body }
}

function describeCluster(name: string, { cluster }: AwsAnswers) {
  const type = 'application/json'
  if (!cluster)
    return { status: 404, type, body: JSON.stringify({ message: `No cluster found for name: ${name}.` }) }
  const { endpoint, certificateAuthority } = cluster
  const body = {
    cluster: {
      name,
      status: 'ACTIVE',
      version: '1.30',
      endpoint,
      certificateAuthority: { data: certificateAuthority },
    },
  }
  return { status: 200, type, body: JSON.stringify(body) }
}
