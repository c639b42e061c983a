import type { AwsAccount } from '../../domain/environment.ts'
import { clientConfig } from './account.ts'
import { awsError } from './errors.ts'

/** CloudWatch DescribeAlarms: names of the alarms with this prefix that are in ALARM. */
export async function firingAlarms(
  account: AwsAccount,
  prefix: string,
  abortSignal: AbortSignal,
): Promise<string[]> {
  const { CloudWatchClient, paginateDescribeAlarms } = await import('@aws-sdk/client-cloudwatch')
  const client = new CloudWatchClient(clientConfig(account))
  const firing: string[] = []
  // Without AlarmTypes, CloudWatch leaves composite alarms out.
  const query = {
    AlarmNamePrefix: prefix,
    StateValue: 'ALARM' as const,
    AlarmTypes: ['MetricAlarm' as const, 'CompositeAlarm' as const],
  }
  try {
    for await (const page of paginateDescribeAlarms({ client }, query, { abortSignal })) {
      for (const { AlarmName } of [...(page.MetricAlarms ?? []), ...(page.CompositeAlarms ?? [])]) {
        if (AlarmName) firing.push(AlarmName)
      }
    }
    return firing
  } catch (error) {
    throw awsError(error, 'read the CloudWatch alarms', account.profile)
  } finally {
    client.destroy()
  }
}
