import type { AwsAccount } from '../../domain/environment.ts'
import { EmrError, ExitCode } from '../../errors.ts'
import { withClient } from './client.ts'

export interface EksCluster {
  name: string
  version: string
  /** https URL of the API server. */
  endpoint: string
  /** Base64 of the PEM, as a kubeconfig has it. */
  certificateAuthority: string
  /** Id of the VPC that it is in. */
  vpc: string
}

/** EKS DescribeCluster. @throws {EmrError} when it does not exist or is not ACTIVE (exit 4) */
export async function describeCluster(
  account: AwsAccount,
  name: string,
  abortSignal: AbortSignal,
): Promise<EksCluster> {
  const { DescribeClusterCommand, EKSClient } = await import('@aws-sdk/client-eks')
  return withClient(EKSClient, account, `read the EKS cluster ${name}`, async (client) => {
    const { cluster } = await client
      .send(new DescribeClusterCommand({ name }), { abortSignal })
      .catch((error: Error) => {
        if (error.name !== 'ResourceNotFoundException') throw error
        throw clusterError(
          'CLUSTER_NOT_FOUND',
          `There is no EKS cluster ${name} in ${account.region} of ${account.accountId}`,
        )
      })
    const { status, version = '', endpoint, certificateAuthority, resourcesVpcConfig } = cluster ?? {}
    if (endpoint === undefined || certificateAuthority?.data === undefined) {
      throw clusterError('CLUSTER_NOT_READY', `The EKS cluster ${name} has no endpoint yet: it is ${status}`)
    }
    const vpc = resourcesVpcConfig?.vpcId ?? ''
    return { name, version, endpoint, certificateAuthority: certificateAuthority.data, vpc }
  })
}

function clusterError(code: string, message: string): EmrError {
  return new EmrError(message, { code, exitCode: ExitCode.preflight, suggestions: ['aws eks list-clusters'] })
}

/** A kubeconfig for one EKS cluster; the token comes from the AWS CLI at each use, so the file holds no secret. */
export function eksKubeconfig(
  cluster: EksCluster,
  account: AwsAccount,
  context: string,
): Record<string, unknown> {
  const args = [
    'eks',
    'get-token',
    '--cluster-name',
    cluster.name,
    '--region',
    account.region,
    '--output',
    'json',
  ]
  const env = account.profile === undefined ? [] : [{ name: 'AWS_PROFILE', value: account.profile }]
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: cluster.name,
        cluster: { server: cluster.endpoint, 'certificate-authority-data': cluster.certificateAuthority },
      },
    ],
    users: [
      {
        name: cluster.name,
        user: {
          exec: {
            apiVersion: 'client.authentication.k8s.io/v1beta1',
            command: 'aws',
            args,
            env,
            interactiveMode: 'Never',
          },
        },
      },
    ],
    contexts: [{ name: context, context: { cluster: cluster.name, user: cluster.name } }],
    'current-context': context,
  }
}
