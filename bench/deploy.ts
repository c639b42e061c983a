/**
 * `npm run bench:deploy`: what emr takes against what the shell scripts took, in one run on one sandbox whose pods are
 * ready after three seconds. Prints ratios; exits 1 when one is above its bound.
 *
 * - five services with `emr deploy`, against the loop of `helm upgrade --install --wait` over them
 * - five services with `emr rollback all`, against five times `helm rollback --wait`
 * - the verdict on a tag that does not exist, against `helm upgrade --wait --timeout 60s`
 */
import { join, resolve } from 'node:path'
import { performance } from 'node:perf_hooks'
import { openProject, type Project, type Ran, SERVICES } from '../test/e2e/project.ts'
import { helmMajors } from '../test/support/binaries.ts'
import { measureRollback, ROLLBACK_BOUND } from './rollback.ts'

const root = resolve(import.meta.dirname, '..')
const READINESS_SECONDS = 3
const BOUNDS = { deploy: 0.5, verdict: 0.2 }

const sandbox = { readinessSeconds: READINESS_SECONDS }
const BAD_TAG = '1.0.1-notfound'
let tooSlow = false

for (const helm of helmMajors) {
  const names = ['emr', 'loop', 'back', 'helm-back']
  const environments = Object.fromEntries(names.map((name) => [name, { cluster: { sandbox } }]))
  const project = await openProject({ helm, environments })
  try {
    await project.emr('sandbox', 'start')
    await project.kubectl('create', 'namespace', project.namespaceOf('loop'))
    const loop = await seconds(() => helmLoop(project, SERVICES))
    const emr = await seconds(() => mustEnd(project.emr('deploy', 'emr'), 0))
    report(`helm ${helm}: five services`, emr, loop, BOUNDS.deploy)

    const ways = await measureRollback(project, { emr: 'back', loop: 'helm-back' })
    report(`helm ${helm}: five services back`, ways.emr, ways.loop, ROLLBACK_BOUND)

    const helmVerdict = await seconds(() =>
      mustEnd(
        upgrade(project, 'task-service', ['--timeout', '60s', '--set-string', `image.tag=${BAD_TAG}`]),
        1,
      ),
    )
    const verdict = await seconds(() =>
      mustEnd(
        project.emr('deploy', 'emr', '--services', 'task-service', '--tag', BAD_TAG, '--no-rollback'),
        7,
      ),
    )
    report(`helm ${helm}: verdict on a bad tag`, verdict, helmVerdict, BOUNDS.verdict)
  } finally {
    await project.close()
  }
}
process.exitCode = tooSlow ? 1 : 0

/** The documented loop, one service after the other. */
async function helmLoop(project: Project, services: readonly string[]): Promise<void> {
  for (const service of services) await mustEnd(upgrade(project, service, []), 0)
}

function upgrade(project: Project, service: string, more: string[]) {
  const chart = join(root, 'helm', service)
  const values = [
    '--values',
    join(chart, 'values-development.yaml'),
    '--set-string',
    'global.environment=loop',
  ]
  const where = ['--namespace', project.namespaceOf('loop')]
  return project.helm('upgrade', '--install', service, chart, ...values, ...where, '--wait', ...more)
}

async function mustEnd(run: Promise<Ran>, code: number): Promise<void> {
  const ran = await run
  if (ran.code !== code) throw new Error(`ended with ${ran.code} instead of ${code}\n${ran.stderr}`)
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const before = performance.now()
  await work()
  return (performance.now() - before) / 1000
}

function report(what: string, emr: number, other: number, bound: number): void {
  const ratio = emr / other
  if (ratio > bound) tooSlow = true
  const figures = `${emr.toFixed(1)} s against ${other.toFixed(1)} s`
  console.log(`${what}: ${ratio.toFixed(2)} (${figures}; at most ${bound})`)
}
