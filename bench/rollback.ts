import { performance } from 'node:perf_hooks'
import { type Project, type Ran, SERVICES } from '../test/e2e/project.ts'

/** Of `emr rollback ENV all` against five times `helm rollback --wait`. */
export const ROLLBACK_BOUND = 0.5

/**
 * Times both ways back of five services, in seconds. Each environment gets a second version first.
 * @param environments names of two environments of the project, on the same sandbox
 * @throws {Error} when any step does not end well
 */
export async function measureRollback(
  project: Project,
  environments: { emr: string; loop: string },
): Promise<{ emr: number; loop: number }> {
  for (const environment of [environments.emr, environments.loop]) {
    for (const tag of ['1.1.0', '1.2.0']) await good(project.emr('deploy', environment, '--tag', tag))
  }
  const namespace = project.namespaceOf(environments.loop)
  const before = new Map<string, string>()
  for (const service of SERVICES) before.set(service, await previousRevision(project, service, namespace))
  const loop = await seconds(async () => {
    for (const [service, revision] of before) {
      await good(project.helm('rollback', service, revision, '--namespace', namespace, '--wait'))
    }
  })
  const emr = await seconds(() => good(project.emr('rollback', environments.emr, 'all')))
  return { emr, loop }
}

/** helm's own list, looked up beforehand: the time counts for neither. */
async function previousRevision(project: Project, service: string, namespace: string): Promise<string> {
  const { stdout } = await good(
    project.helm('history', service, '--namespace', namespace, '--output', 'json'),
  )
  const revisions = JSON.parse(stdout) as { revision: number }[]
  return String(revisions.at(-2)?.revision)
}

async function good(run: Promise<Ran>): Promise<Ran> {
  const ran = await run
  if (ran.code !== 0) throw new Error(`ended with ${ran.code}\n${ran.stderr}`)
  return ran
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return (performance.now() - startedAt) / 1000
}
