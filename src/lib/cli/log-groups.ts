import { describeCluster } from '../adapters/aws/eks.ts'
import { logGroups, logRecords } from '../adapters/aws/log-groups.ts'
import type { AwsAccount, Environment } from '../domain/environment.ts'
import { isWithin, platformName } from '../domain/platform-name.ts'
import { EmrError, ExitCode } from '../errors.ts'
import { type LogEntry, type LogsRequest, shownText } from '../workflows/logs.ts'
import { usageError } from './flags.ts'
import type { Session } from './session.ts'

/** CloudWatch is asked by time: of a source without --since, the last quarter of an hour. */
const SINCE_MS = 900_000

/** Where the platform's Terraform puts each kind of log; flow logs stand under the id of the VPC. */
const STEMS: Record<
  string,
  (environment: Environment, aws: AwsAccount, signal: AbortSignal) => Promise<string>
> = {
  eks: async (environment) => `/aws/eks/${clusterOf(environment)}/cluster`,
  application: async (environment) => `/aws/containerinsights/${clusterOf(environment)}/application`,
  rds: async ({ name, database }) =>
    `/aws/rds/instance/${database?.instance?.toLowerCase() ?? platformName(name)}`,
  'vpc-flow': async (environment, aws, signal) =>
    `/aws/vpc/${(await describeCluster(aws, clusterOf(environment), signal)).vpc}/flow-logs`,
}

function clusterOf({ cluster, name }: Environment): string {
  return cluster.kind === 'eks' ? cluster.name : platformName(name)
}

/** Lines of one of the platform's log groups, oldest first. @param source `eks`, `application`, `rds` or `vpc-flow` */
export async function readLogGroup(
  { environment, signal }: Session,
  source: string,
  request: LogsRequest,
): Promise<LogEntry[]> {
  const { aws, name } = environment
  const { sinceMs = SINCE_MS, tail } = request
  if (aws === undefined) {
    throw usageError(`${name} has no AWS account, so it has no logs in CloudWatch`, [`emr logs ${name}`])
  }
  const stem = (await STEMS[source]?.(environment, aws, signal)) ?? source
  const groups = await groupsOf(aws, stem, signal)
  const all = await Promise.all(groups.map((group) => logRecords(aws, group, Date.now() - sinceMs, signal)))
  const entries = all
    .flat()
    .sort((a, b) => a.at - b.at)
    .flatMap(({ at, group, stream, text: raw }) => {
      const text = shownText(raw, request)
      const time = new Date(at).toISOString()
      return text === undefined ? [] : [{ type: 'line' as const, time, pod: group, container: stream, text }]
    })
  return tail === undefined ? entries : entries.slice(-tail)
}

async function groupsOf(aws: AwsAccount, stem: string, signal: AbortSignal): Promise<string[]> {
  const groups = (await logGroups(aws, stem, signal)).filter((name) => isWithin(name, stem))
  if (groups.length > 0) return groups
  throw new EmrError(`There is no log group ${stem}… in ${aws.region}`, {
    code: 'LOG_GROUP_MISSING',
    exitCode: ExitCode.preflight,
    suggestions: ['is the infrastructure deployed? emr deploy, without --skip-infra'],
  })
}
