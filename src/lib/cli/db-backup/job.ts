import type { Job } from 'kubernetes-types/batch/v1.js'
import { backupJob, GRACE_SECONDS } from '../../adapters/kubernetes/backup-job.ts'
import { KubernetesClient } from '../../adapters/kubernetes/client.ts'
import { Jobs } from '../../adapters/kubernetes/jobs.ts'
import { NamespaceLogs } from '../../adapters/kubernetes/namespace-logs.ts'
import { Workloads } from '../../adapters/kubernetes/workloads.ts'
import { jobConfig } from '../../config/job-config.ts'
import { kubectlLine } from '../../domain/command-line.ts'
import { withNames } from '../../domain/diagnosis/advice.ts'
import type { Environment } from '../../domain/environment.ts'
import { EmrError, ExitCode } from '../../errors.ts'
import type { ErrorDocument } from '../../output/error-view.ts'
import { runTasks } from '../../output/task-list.ts'
import type { JobEnd } from '../../workflows/backup/job.ts'
import type { Report } from '../base-command.ts'
import { clusterAccess } from '../cluster-access.ts'
import { usageError } from '../flags.ts'
import { operationId } from '../operation-id.ts'
import { notConfigured } from './database.ts'
import type { BackupSession } from './session.ts'

/** Beyond the pod's own time to end, for the API server and the watch. */
const STOP_MARGIN_MS = 10_000
/** Settled here, or meaningless elsewhere. */
const LOCAL_FLAGS = new Set(['argument', 'environment', 'config', 'color', 'json', 'via'])
/** Flags whose value was parsed into a number of these. */
const UNITS: Record<string, string> = { 'max-rate': 'B', 'lock-timeout': 'ms' }

export type Via = 'direct' | 'job'

/**
 * Runs the command as a Job in the environment's cluster, where --via or the configuration wants that.
 * @param view shows the document that the Job gave
 * @returns undefined where the command is to run from here
 * @throws {EmrError} BACKUP_NOT_CONFIGURED (3), JOB_NOT_STARTED or JOB_FAILED (5), or what failed in the Job
 */
export async function throughJob<T>(
  session: BackupSession,
  verb: string,
  flags: { via: Via | undefined },
  view: (document: T) => string,
): Promise<Report<T> | undefined> {
  const { environment, settings } = session
  if ((flags.via ?? settings.via) === 'direct') return undefined
  const name = `emr-db-backup-${verb}-${operationId().toLowerCase()}`
  const job = jobOf(session, name, ['db-backup', verb, environment.name, '--via=direct', ...wordsOf(flags)])
  const end = await follow(session, job, `${verb} of ${environment.name} as job/${name}`)
  return reportOf<T>(end, `job/${name} in ${environment.namespace}`, view)
}

/** The flags of a command as words again. */
function wordsOf(flags: object): string[] {
  return Object.entries(flags).flatMap(([name, value]) => {
    if (LOCAL_FLAGS.has(name) || value === undefined || value === false) return []
    if (value === true) return [`--${name}`]
    const values: unknown[] = Array.isArray(value) ? value : [value]
    return values.map((each) => `--${name}=${each}${UNITS[name] ?? ''}`)
  })
}

function jobOf({ config, environment, settings }: BackupSession, name: string, args: string[]): Job {
  const { image, secret } = settings.job
  const { database } = environment
  if (image === undefined) throw notConfigured(environment.name, 'backup.job.image (or give --via direct)')
  if (database && !database.secret && !secret)
    throw notConfigured(
      environment.name,
      'database.secret (or backup.job.secret): no password in the cluster',
    )
  if (settings.store.kind === 'directory')
    throw usageError(`A Job cannot write into ${settings.store.path}: the directory is on this machine`, [
      '--via direct',
      `environments.${environment.name}.backup.store: s3://…`,
    ])
  return backupJob({
    name,
    environment: environment.name,
    args: [...args, '--json'],
    config: jobConfig(config, environment),
    image,
    settings: settings.job,
  })
}

async function follow(session: BackupSession, job: Job, title: string): Promise<JobEnd> {
  const { environment, signal } = session
  const { runJob, JobNotStartedError } = await import('../../workflows/backup/job.ts')
  const client = new KubernetesClient(await clusterAccess(session, { start: true }))
  const workloads = new Workloads(client, environment.namespace)
  if (!(await workloads.namespace(signal))) throw namespaceMissing(environment, kubectlLine(client.access))
  const watching = new AbortController()
  const outcome: { end?: JobEnd } = {}
  const task: Parameters<typeof runTasks>[0][number]['task'] = async (_context, line) => {
    outcome.end = await runJob(
      {
        jobs: new Jobs(client, environment.namespace),
        logs: new NamespaceLogs(client, environment.namespace, undefined),
        watch: workloads.watch(watching.signal),
        thresholds: environment.rollout,
        graceMs: GRACE_SECONDS * 1000 + STOP_MARGIN_MS,
        onLine: (text) => {
          line.output = withoutTime(text)
        },
        now: Date.now,
        signal,
      },
      job,
    )
  }
  try {
    await runTasks([{ title, task }])
    return outcome.end as JobEnd
  } catch (error) {
    if (!(error instanceof JobNotStartedError)) throw error
    const { failureReport } = await import('../../domain/rollout/report.ts')
    const { failure } = error
    const place = { environment, kubectl: kubectlLine(client.access) }
    const finding = withNames({ ...failure.finding, node: failure.node }, place)
    const report = failureReport({ ...failure, finding }, Date.now())
    throw new EmrError(`The Job cannot start and was deleted\n${report}`, {
      code: 'JOB_NOT_STARTED',
      exitCode: ExitCode.tool,
      details: { finding },
    })
  } finally {
    watching.abort()
    client.close()
  }
}

function namespaceMissing({ name, namespace }: Environment, kubectl: string): EmrError {
  return new EmrError(`The Job has no place to run: the cluster has no namespace ${namespace}`, {
    code: 'NAMESPACE_MISSING',
    exitCode: ExitCode.preflight,
    suggestions: [`emr deploy ${name}`, `${kubectl} create namespace ${namespace}`],
  })
}

/** Lines of emr begin with their time; they get one of their own here. */
function withoutTime(line: string): string {
  return line.replace(/^\d{4}-\d\d-\d\dT[\d:.]+Z /, '')
}

function reportOf<T>(end: JobEnd, where: string, view: (document: T) => string): Report<T> {
  const { document, exitCode } = end
  const failure = (document as Partial<ErrorDocument> | undefined)?.error
  if (failure) {
    const { code, message, suggestions, details } = failure
    throw new EmrError(message, { code, exitCode: failure.exitCode as ExitCode, suggestions, details })
  }
  if (document !== undefined && exitCode !== undefined)
    return { document: document as T, text: view(document as T), exitCode: exitCode as ExitCode }
  const why = exitCode === 0 ? 'it ended without telling its result' : end.reason
  throw new EmrError([`${where} failed: ${why}`, ...end.lastLines.map((line) => `  | ${line}`)].join('\n'), {
    code: 'JOB_FAILED',
    exitCode: ExitCode.tool,
    suggestions: [
      ...(end.reason.startsWith('OOMKilled') ? ['raise backup.job.memory'] : []),
      'emr db-backup list tells what is in the store',
    ],
    details: { exitCode, reason: end.reason },
  })
}
