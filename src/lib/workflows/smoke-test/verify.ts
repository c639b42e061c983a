import { messageOf } from '../../errors.ts'
import type { ReleasePorts } from '../deploy/change-service.ts'
import { keepEvidence } from '../record/evidence.ts'
import type { SmokeReport } from './report.ts'

/** The smoke tests of an operation. */
export interface Verification {
  /** The file with the tests; undefined where there are none to run. */
  file: string | undefined
  /** Gives undefined where there are none to run; may throw what kept them from running. */
  run: () => Promise<SmokeReport | undefined>
}

/**
 * Runs the smoke tests after a change. Never throws: tests that have no result have failed. A report of failed tests
 * is part of the operation's evidence.
 */
export async function verify(
  ports: ReleasePorts,
  { file = '', run }: Verification,
): Promise<SmokeReport | undefined> {
  const startedAt = ports.now()
  const report = await run().catch(
    (error: unknown): SmokeReport => ({
      environment: ports.environment.name,
      file,
      outcome: 'failed',
      startedAt: new Date(startedAt).toISOString(),
      durationMs: ports.now() - startedAt,
      tests: [],
      error: `the smoke tests could not be run: ${messageOf(error)}`,
      unknown: ports.signal.aborted || ports.workloads.isTransient(error) || ports.helm.isTransient(error),
    }),
  )
  if (report?.outcome !== 'failed') return report
  const problems = await keepEvidence(ports, { 'smoke-tests.json': report })
  return problems.length === 0 ? report : { ...report, reportingProblems: problems }
}
