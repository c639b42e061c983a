import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { helmMajors } from '../../support/binaries.ts'
import { processesWith } from '../../support/processes.ts'
import { openProject, type Project } from '../project.ts'

const charts = resolve(import.meta.dirname, '../../../helm')
/** With both majors, fifty in all. */
const ENVIRONMENTS = ['a', 'b', 'c', 'd', 'e']
const KILLS = 5
/** About as long as an undisturbed operation takes here. */
const OPERATION_MS = 3_000

/** Two waves and two services side by side are enough to be cut off in the middle of. */
const services = {
  'task-service': { chart: join(charts, 'task-service') },
  'emr-service': { chart: join(charts, 'emr-service') },
  'api-gateway': { chart: join(charts, 'api-gateway'), needs: ['task-service', 'emr-service'] },
}

/** How a process is asked to go away: by a person, by a CI system, by the kernel, by a power cut. */
const WAYS: NodeJS.Signals[][] = [
  ['SIGKILL'],
  ['SIGINT'],
  ['SIGINT', 'SIGTERM', 'SIGKILL'],
  ['SIGTERM'],
  ['SIGKILL'],
]

describe.each(helmMajors)('killed at random moments, with helm %s', (helm) => {
  let project: Project
  beforeAll(async () => {
    project = await openProject({
      helm,
      services,
      environments: Object.fromEntries(ENVIRONMENTS.map((name) => [name, {}])),
    })
    await project.cluster.start()
    const prepare = async (name: string) => {
      for (const tag of ['v1', 'v2']) {
        const { code, stderr } = await project.emr('deploy', name, '--tag', tag)
        expect(code, stderr).toBe(0)
      }
    }
    await Promise.all(ENVIRONMENTS.map(prepare))
  }, 300_000)
  afterAll(() => project?.close())

  const left = async (environment: string) => {
    const where = ['-n', project.namespaceOf(environment)]
    const selector = 'owner=helm,status in (pending-install,pending-upgrade,pending-rollback)'
    const [pending, lease] = await Promise.all([
      project.kubectl('get', 'secrets', '-l', selector, '-o', 'name', ...where),
      project.kubectl('get', 'lease', 'emr-lock', '-o', 'jsonpath={.spec.holderIdentity}', ...where),
    ])
    return { pending: pending.stdout, holder: lease.stdout }
  }

  /** Deploys, deploys that fail and go back by themselves, and rollbacks take turns. */
  const operation = (environment: string, round: number): string[] =>
    [
      ['deploy', environment, '--tag', `v3.${round}`],
      ['rollback', environment, 'all'],
      ['deploy', environment, '--tag', `v4.${round}`, '--tag', `emr-service=v4.${round}-crashloop`],
    ][round % 3] as string[]

  test.concurrent.each(ENVIRONMENTS)(
    'five times in environment %s: every next command recovers',
    { timeout: 600_000 },
    async (environment) => {
      for (let round = 1; round <= KILLS; round += 1) {
        const words = operation(environment, round)
        const victim = project.start(...words)
        const moment = Math.random() * OPERATION_MS
        await Promise.race([delay(moment), victim.ended])
        const way = WAYS[round % WAYS.length] ?? []
        for (const signal of way) {
          kill(victim.child.pid ?? 0, signal)
          if (signal !== way.at(-1)) await Promise.race([delay(300), victim.ended])
        }
        // Every second time the machine itself goes down, with the helms that were at work.
        if (way.at(-1) === 'SIGKILL' && round % 2 === 0) {
          for (const pid of processesWith(`--namespace ${project.namespaceOf(environment)} `))
            kill(pid, 'SIGKILL')
        }
        await victim.ended
        const next = await project.emr('deploy', environment, '--tag', `v5.${round}`)
        const story = `${words.join(' ')} got ${way.join(', ')} after ${Math.round(moment)} ms\n${next.stderr}`
        expect(next.code, story).toBe(0)
        expect(await left(environment), story).toEqual({ pending: '', holder: '' })
      }
      const verified = await project.emr('history', environment, '--verify')
      expect(verified.stdout).toMatch(/audit log: \d+ entries, unbroken/)
    },
  )
})

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended by itself.
  }
}
