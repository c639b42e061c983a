import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { EmrRun } from '../../support/emr.ts'
import {
  type InfrastructureProject,
  infrastructureLack,
  MINUTES,
  smallProject,
  variableFile,
} from './project.ts'

const lack = infrastructureLack()
const SECRET = 'S3cretOfTheDatabase'
let project: InfrastructureProject

const variables = () => variableFile(project, 'development')

const emr = (...args: string[]) => project.emr(...args)

const fingerprintOf = ({ stdout }: EmrRun) => /plan ([0-9a-f]{12})/.exec(stdout)?.[1] ?? ''

beforeAll(async () => {
  if (lack !== undefined) return
  project = await smallProject(['development', 'production'])
})
afterAll(() => project?.dispose())

describe.skipIf(lack !== undefined)('the infrastructure of an environment, from nothing to nothing', () => {
  test('a deploy before bootstrap says what to type', async () => {
    const { exitCode, stderr } = await emr('deploy', 'development', '--skip-services', '--dry-run')
    expect(exitCode, stderr).toBe(4)
    expect(stderr).toContain('→ emr bootstrap development')
  })

  test('bootstrap makes the place for the state; again, it finds all of it there', async () => {
    const dry = await emr('bootstrap', 'development', '--dry-run')
    expect(dry).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('7 parts would be made') })
    expect((await emr('bootstrap', 'development')).exitCode).toBe(2)
    const outcomes = async () => {
      const { exitCode, stdout } = await emr('bootstrap', 'development', '--yes', '--json')
      expect(exitCode).toBe(0)
      return new Set(JSON.parse(stdout).steps.map(({ outcome }: { outcome: string }) => outcome))
    }
    expect(await outcomes()).toEqual(new Set(['made']))
    expect(await outcomes()).toEqual(new Set(['there']))
  })

  test(
    'a dry run tells the plan; its fingerprint, approved, applies it',
    async () => {
      const dry = await emr('deploy', 'development', '--skip-services', '--dry-run')
      expect(dry).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('3 to create') })
      const approve = ['--skip-services', '--approve', fingerprintOf(dry)]
      const applied = await emr('deploy', 'development', ...approve)
      expect(applied).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('applied, 3 created') })
      expect(applied.stderr).toMatch(/3 of 3 {2}aws_db_instance\.main create/)
    },
    MINUTES,
  )

  test('outputs are shown, sensitive ones without their value', async () => {
    const { exitCode, stdout } = await emr('outputs', 'development', '--json')
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toEqual({
      environment: 'development',
      outputs: {
        endpoint: { value: expect.stringMatching(/:5432$/), sensitive: false },
        password: { value: null, sensitive: true },
      },
    })
  })

  test('nothing has changed, nothing is asked, exit 0', async () => {
    const again = await emr('deploy', 'development', '--skip-services', '--dry-run', '--detailed-exitcode')
    expect(again).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Nothing to change.') })
    expect((await emr('deploy', 'development', '--skip-services')).exitCode).toBe(0)
  })

  test('a changed variable file gives exit 10, and what was approved before is refused', async () => {
    const before = await emr('deploy', 'development', '--skip-services', '--dry-run')
    appendFileSync(variables(), 'topics = 3\n')
    const changed = await emr('deploy', 'development', '--skip-services', '--dry-run', '--detailed-exitcode')
    expect(changed).toMatchObject({ exitCode: 10, stdout: expect.stringContaining('1 to create') })
    const stale = await emr('deploy', 'development', '--skip-services', '--approve', fingerprintOf(before))
    expect(stale.exitCode).toBe(4)
    expect(stale.stderr).toContain(
      `its fingerprint is ${fingerprintOf(changed)}, not ${fingerprintOf(before)}`,
    )
  })

  test('a plan that would replace the database is refused, with its address', async () => {
    const kept = readFileSync(variables())
    appendFileSync(variables(), 'username = "other"\n')
    const refused = await emr('deploy', 'development', '--skip-services', '--auto-approve', '--json')
    writeFileSync(variables(), kept)
    expect(refused.exitCode).toBe(4)
    expect(JSON.parse(refused.stdout).error).toMatchObject({
      code: 'PLAN_REFUSED',
      details: { addresses: ['aws_db_instance.main'] },
      suggestions: [expect.any(String), "--allow-destroy 'aws_db_instance.main'"],
    })
  })

  test(
    'destroy shows first, then wants the name, and then leaves nothing',
    async () => {
      const shown = await emr('destroy', 'development')
      expect(shown).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Nothing was destroyed') })
      expect((await emr('destroy', 'development', '--confirm', 'staging')).exitCode).toBe(2)
      const destroyed = await emr('destroy', 'development', '--confirm', 'development')
      expect(destroyed).toMatchObject({
        exitCode: 0,
        stdout: expect.stringContaining('destroyed, 3 deleted'),
      })
      expect((await emr('outputs', 'development')).exitCode).toBe(1)
    },
    MINUTES,
  )

  test('a protected environment is not destroyed by its name alone', async () => {
    const { exitCode, stderr } = await emr('destroy', 'production', '--confirm', 'production')
    expect(exitCode).toBe(2)
    expect(stderr).toMatch(/emr destroy production --confirm production --approve [0-9a-f]{12}/)
  })

  test('no plan file is left, and no secret was printed', async () => {
    for (const name of ['development', 'production']) {
      expect(await readdir(join(project.folder, '.emr/terraform', name, 'plans'))).toEqual([])
    }
    expect(project.printed()).not.toContain(SECRET)
  })
})
