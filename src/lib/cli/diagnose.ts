import { KubernetesClient } from '../adapters/kubernetes/client.ts'
import { readEnvironment } from '../adapters/kubernetes/environment-facts.ts'
import { Workloads } from '../adapters/kubernetes/workloads.ts'
import { kubectlLine } from '../domain/command-line.ts'
import { EmrError, ExitCode } from '../errors.ts'
import { diagnosisView } from '../output/diagnosis-view.ts'
import { stdoutTheme } from '../output/theme.ts'
import { type DiagnosePorts, type Diagnosis, diagnoseEnvironment } from '../workflows/diagnose.ts'
import type { CommandContext, Report } from './base-command.ts'
import { clusterAccess } from './cluster-access.ts'
import { readAws } from './diagnose-aws.ts'
import type { Session } from './session.ts'
import { openScope, type TargetFlags } from './target.ts'

const EXIT = { healthy: ExitCode.ok, unhealthy: ExitCode.failed, unknown: ExitCode.preflight }

/** `emr diagnose`: exit 0 healthy, 1 not, 4 where something could not be looked at. */
export async function runDiagnose(
  flags: TargetFlags,
  { signal }: CommandContext,
): Promise<Report<Diagnosis>> {
  const { session, service } = await openScope(flags, signal)
  const client = await reachCluster(session)
  try {
    const diagnosis = await diagnoseEnvironment(diagnosePorts(session, client), service)
    return {
      document: diagnosis,
      text: diagnosisView(diagnosis, stdoutTheme, Date.now()),
      exitCode: EXIT[diagnosis.health],
    }
  } finally {
    client.close()
  }
}

/** A client for the environment's cluster; never starts a sandbox. @throws {EmrError} SANDBOX_NOT_RUNNING (4) */
export async function reachCluster(session: Session): Promise<KubernetesClient> {
  const access = await clusterAccess(session, { start: false })
  if (access !== undefined) return new KubernetesClient(access)
  const { name } = session.environment
  throw new EmrError(`The sandbox of ${name} does not run`, {
    code: 'SANDBOX_NOT_RUNNING',
    exitCode: ExitCode.preflight,
    suggestions: ['emr sandbox start', `emr deploy ${name}`],
  })
}

export function diagnosePorts(session: Session, client: KubernetesClient): DiagnosePorts {
  const { environment, signal } = session
  return {
    environment,
    kubectl: kubectlLine(client.access),
    read: async () => {
      const [cluster, aws] = await Promise.all([
        readEnvironment(client, environment.namespace, signal),
        readAws(environment, signal),
      ])
      return { facts: { ...cluster.facts, ...aws.facts }, gaps: [...cluster.gaps, ...aws.gaps] }
    },
    workloads: new Workloads(client, environment.namespace),
    signal,
    now: Date.now,
  }
}
