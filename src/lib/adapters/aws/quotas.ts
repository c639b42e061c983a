import type { EC2Client, Instance } from '@aws-sdk/client-ec2'
import type { ServiceQuotasClient } from '@aws-sdk/client-service-quotas'
import type { AwsAccount } from '../../domain/environment.ts'
import { type QuotaName, type QuotaView, quotaOf } from '../../domain/terraform/offers.ts'
import { askBriefly } from './ask.ts'
import { clientConfig } from './client.ts'

interface Options {
  abortSignal: AbortSignal
}

/** What an account may have of something in this region, and has. @throws {EmrError} when AWS does not tell (exit 4) */
export function quotaView(
  account: AwsAccount,
  name: QuotaName,
  abortSignal: AbortSignal,
): Promise<QuotaView> {
  return askBriefly(account, `read the quota of ${quotaOf(name).title}`, abortSignal, (signal) =>
    view(account, name, signal),
  )
}

async function view(account: AwsAccount, name: QuotaName, abortSignal: AbortSignal): Promise<QuotaView> {
  const [{ EC2Client }, { ServiceQuotasClient }] = await Promise.all([
    import('@aws-sdk/client-ec2'),
    import('@aws-sdk/client-service-quotas'),
  ])
  const ec2 = new EC2Client(clientConfig(account))
  const quotas = new ServiceQuotasClient(clientConfig(account))
  try {
    const [limit, used] = await Promise.all([
      limitOf(quotas, name, { abortSignal }),
      USED[name](ec2, { abortSignal }),
    ])
    return { limit, used }
  } finally {
    ec2.destroy()
    quotas.destroy()
  }
}

/** The applied quota, or the default one of AWS where nobody has ever changed it. */
async function limitOf(client: ServiceQuotasClient, name: QuotaName, options: Options): Promise<number> {
  const { GetAWSDefaultServiceQuotaCommand, GetServiceQuotaCommand } = await import(
    '@aws-sdk/client-service-quotas'
  )
  const { serviceCode: ServiceCode, quotaCode: QuotaCode } = quotaOf(name)
  const input = { ServiceCode, QuotaCode }
  const { Quota } = await client.send(new GetServiceQuotaCommand(input), options).catch((error: Error) => {
    if (error.name !== 'NoSuchResourceException') throw error
    return client.send(new GetAWSDefaultServiceQuotaCommand(input), options)
  })
  if (Quota?.Value === undefined) throw new Error(`Service Quotas has no value for ${QuotaCode}`)
  return Quota.Value
}

const USED: Record<QuotaName, (client: EC2Client, options: Options) => Promise<number>> = {
  vpcs: async (client, options) => {
    const { paginateDescribeVpcs } = await import('@aws-sdk/client-ec2')
    let used = 0
    for await (const { Vpcs } of paginateDescribeVpcs({ client }, {}, options)) used += Vpcs?.length ?? 0
    return used
  },
  elasticIps: async (client, options) => {
    const { DescribeAddressesCommand } = await import('@aws-sdk/client-ec2')
    return (await client.send(new DescribeAddressesCommand({}), options)).Addresses?.length ?? 0
  },
  vcpus: async (client, options) => {
    const { paginateDescribeInstances } = await import('@aws-sdk/client-ec2')
    const query = { Filters: [{ Name: 'instance-state-name', Values: ['pending', 'running'] }] }
    let used = 0
    for await (const { Reservations = [] } of paginateDescribeInstances({ client }, query, options)) {
      const instances = Reservations.flatMap(({ Instances = [] }) => Instances)
      for (const instance of instances.filter(isOnDemandStandard)) used += vcpusOf(instance)
    }
    return used
  },
}

/** The families of the quota "Running On-Demand Standard instances". */
function isOnDemandStandard({ InstanceLifecycle, InstanceType }: Instance): boolean {
  return InstanceLifecycle === undefined && /^[acdhimrtz]\d/.test(InstanceType ?? '')
}

function vcpusOf({ CpuOptions }: Instance): number {
  return (CpuOptions?.CoreCount ?? 0) * (CpuOptions?.ThreadsPerCore ?? 1)
}
