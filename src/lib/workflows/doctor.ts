import type { Identity } from '../adapters/aws/account.ts'
import type { Tool, ToolName } from '../adapters/tools/find.ts'
import { isServing } from '../domain/diagnosis/availability.ts'
import { formatDuration } from '../domain/duration.ts'
import type { Environment } from '../domain/environment.ts'
import { formatVersion } from '../domain/version.ts'
import { EmrError, messageOf } from '../errors.ts'
import { unreadable, unwritable } from '../files.ts'
import { type Check, type ClusterView, clusterChecks } from './cluster-checks.ts'
import { foreignAccounts } from './values-account.ts'

export interface DoctorPorts {
  environment: Environment
  configFile: string
  /** In which emr keeps the sandbox, kubeconfigs and evidence. */
  stateFolder: string
  tools: ToolName[]
  findTool: (name: ToolName) => Promise<Tool>
  identity: () => Promise<Identity>
  /** How many there are; undefined where the project has no such file. */
  smokeTests: () => Promise<number | undefined>
  /** Undefined: a sandbox that is not running. */
  cluster: () => Promise<ClusterView | undefined>
  database: () => Promise<{ id: string; status: string }[]>
  alarms: () => Promise<string[]>
  now: () => number
}

/** What a deploy, a tool's login or a long roll-out may take: credentials that end sooner are a warning. */
const CREDENTIAL_LIFE_MS = 30 * 60_000

/** Looks at everything that a deploy needs; no check stops another one. */
export async function examine(ports: DoctorPorts): Promise<Check[]> {
  const { environment } = ports
  const aws = environment.aws === undefined ? [] : [credentials(ports), database(ports), alarms(ports)]
  const groups = await Promise.all([
    ...ports.tools.map((name) => toolCheck(ports, name)),
    files(ports),
    smokeTests(ports),
    stateFolder(ports),
    ...aws,
    cluster(ports),
  ])
  return groups.flat()
}

async function toolCheck({ findTool }: DoctorPorts, name: ToolName): Promise<Check> {
  return attempt(`tool.${name}`, name, async () => {
    const { version, path, source } = await findTool(name)
    return good(`${formatVersion(version)}, ${source === 'embedded' ? 'brought by emr' : path}`)
  })
}

async function files({ environment, configFile }: DoctorPorts): Promise<Check> {
  const named = environment.services.flatMap(({ chart, values }) => [`${chart}/Chart.yaml`, ...values])
  return attempt('configuration', 'configuration', async () => {
    const section = `environments.${environment.name}`
    const missing = await unreadable(named)
    if (missing.length > 0) {
      const fix = `put them there, or correct services.*.chart and ${section}.values`
      return { status: 'problem', detail: missing.join('\n'), fix }
    }
    const foreign = await foreignAccounts(environment, environment.services)
    if (foreign.length === 0) return good(`${configFile}, ${environment.services.length} charts`)
    const fix = `correct the account in these files, or ${section}.values, or ${section}.aws.accountId`
    return { status: 'problem', detail: foreign.join('\n'), fix }
  })
}

async function smokeTests({ smokeTests }: DoctorPorts): Promise<Check> {
  return attempt('smokeTests', 'smoke tests', async () => {
    const number = await smokeTests()
    if (number !== undefined) return good(`${number} in the file`)
    const detail =
      'there is no file of them: what a deploy leaves behind will not count as a good release set'
    return { status: 'warning', detail, fix: 'write smoke-tests.yaml' }
  })
}

async function stateFolder({ stateFolder, environment }: DoctorPorts): Promise<Check> {
  return attempt('state', 'state folder', async () => {
    const isSandbox = environment.cluster.kind === 'sandbox'
    const folders = isSandbox ? [stateFolder, `${stateFolder}/sandbox`] : [stateFolder]
    const faults = (await Promise.all(folders.map(unwritable))).filter((fault) => fault !== undefined)
    if (faults.length === 0) return good(stateFolder)
    return {
      status: 'problem',
      detail: faults[0] ?? '',
      fix: 'make it writable, or work in a copy of the project',
    }
  })
}

async function credentials({ environment, identity, now }: DoctorPorts): Promise<Check> {
  return attempt('aws.identity', 'AWS identity', async () => {
    const { arn, expiresAt } = await identity()
    const left = expiresAt === undefined ? Number.POSITIVE_INFINITY : expiresAt - now()
    if (left >= CREDENTIAL_LIFE_MS) return good(arn)
    const detail = `${arn}, credentials end in ${formatDuration(Math.max(0, left))}`
    const profile = environment.aws?.profile
    return { status: 'warning', detail, fix: `aws sso login${profile ? ` --profile ${profile}` : ''}` }
  })
}

async function database({ database, environment }: DoctorPorts): Promise<Check> {
  return attempt('aws.database', 'database', async () => {
    const instances = await database()
    const text = instances.map(({ id, status }) => `${id} ${status}`).join(', ')
    if (instances.length === 0)
      return { status: 'warning', detail: `no RDS instance named emr-platform-${environment.name}…` }
    const away = instances.some(({ status }) => !isServing(status))
    return away ? { status: 'warning', detail: text } : good(text)
  })
}

async function alarms({ alarms }: DoctorPorts): Promise<Check> {
  return attempt('aws.alarms', 'CloudWatch alarms', async () => {
    const firing = await alarms()
    return firing.length === 0
      ? good('none is in alarm')
      : { status: 'warning', detail: `in alarm: ${firing.join(', ')}` }
  })
}

async function cluster(ports: DoctorPorts): Promise<Check[]> {
  let view: ClusterView | undefined
  const reached = await attempt('cluster', 'cluster', async () => {
    view = await ports.cluster()
    if (view === undefined)
      return { status: 'skipped', detail: 'the sandbox is not running; a deploy starts it' }
    return good(`${view.server}, Kubernetes ${view.version}`)
  })
  if (reached.status === 'problem') reached.fix ??= reachAdvice(ports.environment)
  return view === undefined ? [reached] : [reached, ...clusterChecks(view, ports.environment)]
}

/** What to try when the API server does not answer, or refuses the credentials. */
function reachAdvice({ cluster, aws }: Environment): string {
  if (cluster.kind === 'sandbox') return 'emr sandbox stop && emr sandbox start'
  if (cluster.kind === 'kubeconfig') {
    const { kubeconfig, context } = cluster
    return `see whether the cluster runs: kubectl --kubeconfig ${kubeconfig} --context ${context} cluster-info`
  }
  const account = aws ? ` --region ${aws.region}${aws.profile ? ` --profile ${aws.profile}` : ''}` : ''
  return `see whether the VPN is up and the endpoint open to you: aws eks describe-cluster --name ${cluster.name}${account}`
}

type Outcome = Pick<Check, 'status' | 'detail' | 'fix'>

function good(detail: string): Outcome {
  return { status: 'good', detail }
}

async function attempt(id: string, title: string, look: () => Promise<Outcome>): Promise<Check> {
  try {
    return { id, title, ...(await look()) }
  } catch (error) {
    // Elsewhere some errors advise to ask the doctor.
    const fix =
      error instanceof EmrError ? error.suggestions.find((each) => each !== 'emr doctor') : undefined
    return { id, title, status: 'problem', detail: messageOf(error), fix }
  }
}
