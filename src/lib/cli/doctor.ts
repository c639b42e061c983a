import type { Deployment } from 'kubernetes-types/apps/v1.js'
import { assertAccount, callerIdentity } from '../adapters/aws/account.ts'
import { deniedOf } from '../adapters/kubernetes/access-review.ts'
import { isApiError } from '../adapters/kubernetes/api-error.ts'
import { KubernetesClient } from '../adapters/kubernetes/client.ts'
import { Discovery } from '../adapters/kubernetes/discovery.ts'
import { EnvironmentLock } from '../adapters/kubernetes/environment-lock.ts'
import { deploymentFacts } from '../adapters/kubernetes/facts.ts'
import { readRecords } from '../adapters/kubernetes/record-facts.ts'
import { resources } from '../adapters/kubernetes/resources.ts'
import { Workloads } from '../adapters/kubernetes/workloads.ts'
import type { ToolName } from '../adapters/tools/find.ts'
import { kubectlLine } from '../domain/command-line.ts'
import type { AwsAccount } from '../domain/environment.ts'
import { distinctRights, RIGHTS } from '../domain/rights.ts'
import { ExitCode } from '../errors.ts'
import { count } from '../output/count.ts'
import { symbols, stdoutTheme as theme } from '../output/theme.ts'
import { type Check, type ClusterView, UNKNOWN } from '../workflows/cluster-checks.ts'
import { type DoctorPorts, examine } from '../workflows/doctor.ts'
import type { CommandContext, Report } from './base-command.ts'
import { clusterAccess } from './cluster-access.ts'
import { openSession, type Session, type SessionFlags, tool } from './session.ts'
import { suiteOf } from './smoke-test.ts'

interface Examination {
  environment: string
  /** A deploy can work. */
  ready: boolean
  checks: Check[]
}

/** `emr doctor`: exit 4 when a deploy could not work. */
export async function runDoctor(
  flags: SessionFlags,
  { signal }: CommandContext,
): Promise<Report<Examination>> {
  const session = await openSession(flags, signal)
  const checks = await examine(portsOf(session))
  signal.throwIfAborted()
  const number = (status: Check['status']) => checks.filter((check) => check.status === status).length
  const ready = number('problem') === 0
  const summary = `${count(checks.length, 'check')}: ${number('good')} good, ${count(number('warning'), 'warning')}, ${count(number('problem'), 'problem')}`
  return {
    document: { environment: session.environment.name, ready, checks },
    text: [
      ...checks.flatMap(checkLines),
      `${ready ? theme.good(symbols.good) : theme.bad(symbols.bad)} ${summary}`,
    ].join('\n'),
    exitCode: ready ? ExitCode.ok : ExitCode.preflight,
  }
}

function portsOf(session: Session): DoctorPorts {
  const { environment, config, stateFolder, signal } = session
  const tools: ToolName[] = [
    'helm',
    'kubectl',
    ...(environment.infrastructure ? ['terraform' as const] : []),
    ...(environment.cluster.kind === 'eks' ? ['aws' as const] : []),
  ]
  const account = environment.aws as AwsAccount
  return {
    environment,
    configFile: config.file,
    stateFolder,
    tools,
    findTool: (name) => tool(session, name),
    identity: async () => {
      const identity = await callerIdentity(account, signal)
      assertAccount(identity, account, environment.name)
      return identity
    },
    smokeTests: async () => (await suiteOf(session))?.tests.length,
    cluster: () => lookAtCluster(session),
    database: async () =>
      (await import('../adapters/aws/rds.ts')).databaseInstances(account, environment, signal),
    alarms: async () => {
      const { openAlarms } = await import('../adapters/aws/alarms.ts')
      const open = await openAlarms(account, environment.name, signal)
      return open.filter(({ state }) => state === 'ALARM').map(({ name }) => name)
    },
    now: Date.now,
  }
}

async function lookAtCluster(session: Session): Promise<ClusterView | undefined> {
  const { environment, signal } = session
  const access = await clusterAccess(session, { start: false })
  if (access === undefined) return undefined
  const client = new KubernetesClient(access)
  const { namespace: name } = environment
  const workloads = new Workloads(client, name)
  const version = await workloads.clusterVersion(signal)
  const [namespace, denied, missingKinds, pendingReleases, lock, recorded] = await Promise.all([
    orUnknown(workloads.namespace(signal)),
    deniedOf(client, name, distinctRights(RIGHTS.deploy), signal),
    missingKindsOf(client, signal),
    orUnknown(pendingReleasesOf(client, name, signal)),
    orUnknown(new EnvironmentLock(client, name, environment.name).status(signal)),
    recordedOf(client, name, signal),
  ])
  return {
    server: access.server,
    kubectl: kubectlLine(access),
    version,
    namespace:
      namespace === UNKNOWN
        ? UNKNOWN
        : {
            exists: namespace !== undefined,
            podSecurity: namespace?.metadata?.labels?.['pod-security.kubernetes.io/enforce'],
          },
    denied,
    missingKinds,
    pendingReleases,
    lock,
    ...recorded,
  }
}

/** That records may not be read is told among the missing rights. */
async function recordedOf(
  client: KubernetesClient,
  namespace: string,
  signal: AbortSignal,
): Promise<Pick<ClusterView, 'records' | 'deployments'>> {
  try {
    const [records, { items }] = await Promise.all([
      readRecords(client, namespace, signal),
      client.list<Deployment>(resources.deployments, { namespace, signal }),
    ])
    return { records, deployments: items.map(deploymentFacts) }
  } catch (error) {
    if (isApiError(error, 403)) return { records: undefined, deployments: [] }
    throw error
  }
}

/** What may not be read is neither there nor absent. */
async function orUnknown<T>(looking: Promise<T>): Promise<T | typeof UNKNOWN> {
  try {
    return await looking
  } catch (error) {
    if (isApiError(error, 403)) return UNKNOWN
    throw error
  }
}

/** Custom resources of the charts; everything else is part of Kubernetes. */
async function missingKindsOf(client: KubernetesClient, signal: AbortSignal): Promise<string[]> {
  const needed = [{ apiVersion: 'external-secrets.io/v1', kind: 'ExternalSecret' }]
  const discovery = new Discovery(client)
  const found = await Promise.all(needed.map((object) => discovery.resourceOf(object, signal)))
  return needed
    .filter((_, index) => found[index] === undefined)
    .map(({ apiVersion, kind }) => `${apiVersion} ${kind}`)
}

async function pendingReleasesOf(
  client: KubernetesClient,
  namespace: string,
  signal: AbortSignal,
): Promise<string[]> {
  const { items } = await client.list(resources.secrets, { namespace, labelSelector: 'owner=helm', signal })
  const labels = items.map(({ metadata }) => metadata?.labels ?? {})
  // A revision that was left pending and superseded since is history.
  const newest = (name: string | undefined) =>
    Math.max(...labels.filter((each) => each.name === name).map(({ version }) => Number(version)))
  return labels
    .filter(({ name, version, status }) => status?.startsWith('pending-') && Number(version) === newest(name))
    .map(({ name, status }) => `${name} (${status})`)
}

function checkLines({ status, title, detail, fix }: Check): string[] {
  const sign = {
    good: theme.good(symbols.good),
    warning: theme.warn(symbols.warn),
    problem: theme.bad(symbols.bad),
    skipped: theme.faint(symbols.skipped),
  }[status]
  const lines = [`${sign} ${title.padEnd(18)} ${detail.replaceAll('\n', '\n  ')}`]
  if (fix !== undefined) lines.push(`  ${theme.faint('→')} ${fix}`)
  return lines
}
