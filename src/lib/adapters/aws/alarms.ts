import type { AwsAccount } from '../../domain/environment.ts'
import { platformName } from '../../domain/platform-name.ts'
import { withClient } from './client.ts'

/** An alarm that is not OK, or that nobody would hear. */
export interface OpenAlarm {
  name: string
  /** `ALARM`, `INSUFFICIENT_DATA`, or `ACTIONS_DISABLED` for one that is OK and would tell nobody. */
  state: string
  reason: string
}

/** CloudWatch DescribeAlarms of all three types, those of an environment that are not fine. */
export async function openAlarms(
  account: AwsAccount,
  environment: string,
  abortSignal: AbortSignal,
): Promise<OpenAlarm[]> {
  const { CloudWatchClient, paginateDescribeAlarms } = await import('@aws-sdk/client-cloudwatch')
  // Without AlarmTypes, CloudWatch tells metric alarms only.
  const query = {
    AlarmNamePrefix: `${platformName(environment)}-`,
    AlarmTypes: ['MetricAlarm' as const, 'CompositeAlarm' as const, 'LogAlarm' as const],
  }
  return withClient(CloudWatchClient, account, 'read the CloudWatch alarms', async (client) => {
    const open: OpenAlarm[] = []
    for await (const page of paginateDescribeAlarms({ client }, query, { abortSignal })) {
      for (const alarm of [
        ...(page.MetricAlarms ?? []),
        ...(page.CompositeAlarms ?? []),
        ...(page.LogAlarms ?? []),
      ]) {
        const {
          AlarmName: name = '',
          StateValue: state = '',
          StateReason: reason = '',
          ActionsEnabled,
        } = alarm
        if (state !== 'OK') open.push({ name, state, reason })
        else if (ActionsEnabled === false) {
          open.push({
            name,
            state: 'ACTIONS_DISABLED',
            reason: 'its actions are turned off: it would tell nobody',
          })
        }
      }
    }
    return open
  })
}
