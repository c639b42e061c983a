import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type InfrastructureProject, infrastructureLack, MINUTES, smallProject } from './project.ts'

const lack = infrastructureLack()
let project: InfrastructureProject

beforeAll(async () => {
  if (lack !== undefined) return
  project = await smallProject(['staging'])
  expect((await project.emr('bootstrap', 'staging', '--yes')).exitCode).toBe(0)
})
afterAll(() => project?.dispose())

describe.skipIf(lack !== undefined)('an apply that does not come to its end', () => {
  const apply = ['deploy', 'staging', '--skip-services', '--auto-approve']

  test(
    'killed, it leaves a lock that the next run names with owner, age and how to release it',
    async () => {
      const run = project.start(...apply)
      await run.says('2 of 3')
      const [terraform = ''] = readFileSync(
        `/proc/${run.child.pid}/task/${run.child.pid}/children`,
        'utf8',
      ).split(' ')
      process.kill(Number(terraform), 'SIGKILL')
      run.child.kill('SIGKILL')
      await run.end
      const next = await project.emr(...apply, '--json')
      expect(next.exitCode).toBe(8)
      const { code, message, suggestions, details } = JSON.parse(next.stdout).error
      expect({ code, message }).toEqual({
        code: 'STATE_LOCKED',
        message: expect.stringMatching(/locked by \S+@\S+ since [\d.]+ \w/),
      })
      expect(details.ageMs).toBeLessThan(MINUTES)
      const release = String(suggestions[1]).replace(/^.*dead: /, '')
      await promisify(execFile)('sh', ['-c', release], { env: project.env })
      expect((await project.emr('deploy', 'staging', '--skip-services', '--dry-run')).exitCode).toBe(0)
    },
    MINUTES,
  )

  test(
    'interrupted, it lets terraform write the state and release the lock, and exits 130',
    async () => {
      const run = project.start(...apply)
      await run.says('Apply the plan')
      await run.says('2 of 3')
      run.child.kill('SIGINT')
      const { exitCode, stderr } = await run.end
      expect(exitCode).toBe(130)
      expect(stderr).toContain('the state is written and unlocked')
      expect(stderr).toContain('aws_db_instance.main')
      const next = await project.emr('deploy', 'staging', '--skip-services', '--dry-run', '--json')
      expect(next.exitCode).toBe(0)
      const { changes } = JSON.parse(next.stdout)
      expect(changes.map(({ address }: { address: string }) => address)).toEqual(['aws_db_instance.main'])
    },
    MINUTES,
  )
})
