import type { AwsAccount } from '../../domain/environment.ts'
import { EmrError, ExitCode } from '../../errors.ts'
import { withClient } from './client.ts'

export interface LogRecord {
  /** Epoch milliseconds. */
  at: number
  group: string
  stream: string
  text: string
}

/** CloudWatch Logs DescribeLogGroups: names that begin with the prefix. */
export async function logGroups(
  account: AwsAccount,
  prefix: string,
  abortSignal: AbortSignal,
): Promise<string[]> {
  const { CloudWatchLogsClient, paginateDescribeLogGroups } = await import('@aws-sdk/client-cloudwatch-logs')
  return withClient(CloudWatchLogsClient, account, `list the log groups ${prefix}`, async (client) => {
    const found: string[] = []
    const query = { logGroupNamePrefix: prefix }
    for await (const page of paginateDescribeLogGroups({ client }, query, { abortSignal })) {
      for (const { logGroupName } of page.logGroups ?? []) if (logGroupName) found.push(logGroupName)
    }
    return found
  })
}

/**
 * CloudWatch Logs FilterLogEvents over one group.
 * @param since epoch milliseconds
 * @throws {EmrError} LOG_GROUP_MISSING (4)
 */
export async function logRecords(
  account: AwsAccount,
  group: string,
  since: number,
  abortSignal: AbortSignal,
): Promise<LogRecord[]> {
  const { CloudWatchLogsClient, paginateFilterLogEvents } = await import('@aws-sdk/client-cloudwatch-logs')
  return withClient(CloudWatchLogsClient, account, `read the log group ${group}`, async (client) => {
    const records: LogRecord[] = []
    const query = { logGroupName: group, startTime: since }
    try {
      for await (const page of paginateFilterLogEvents({ client }, query, { abortSignal })) {
        for (const { timestamp = 0, logStreamName = '', message = '' } of page.events ?? []) {
          records.push({ at: timestamp, group, stream: logStreamName, text: message.trimEnd() })
        }
      }
    } catch (error) {
      if ((error as Error).name !== 'ResourceNotFoundException') throw error
      throw new EmrError(`There is no log group ${group} in ${account.region}`, {
        code: 'LOG_GROUP_MISSING',
        exitCode: ExitCode.preflight,
        suggestions: ['aws logs describe-log-groups'],
      })
    }
    return records
  })
}
