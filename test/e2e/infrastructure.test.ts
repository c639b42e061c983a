import { execFile } from 'node:child_process'
import { appendFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type EmrRun, startEmr } from '../support/emr.ts'
import { type Emulator, MOTO_ACCOUNT, motoLack, startEmulator } from '../support/moto.ts'
import { terraformLack, terraformSetup } from '../support/terraform.ts'

const lack = terraformLack() ?? motoLack()
const SECRET = 'S3cretOfTheDatabase'
/** The provider gives a new database a minute before it asks for it the first time. */
const MINUTES = 600_000

const setup = terraformSetup()
const project = join(setup.folder, 'project')
let emulator: Emulator
let env: NodeJS.ProcessEnv
/** Everything that was printed, to look for secrets in. */
let printed = ''

const variables = (environment: string) => join(project, 'terraform', `${environment}.tfvars`)

function start(...args: string[]) {
  return startEmr(args, project, env)
}

async function emr(...args: string[]): Promise<EmrRun> {
  const run = await start(...args).end
  printed += run.stdout + run.stderr
  return run
}

const fingerprintOf = ({ stdout }: EmrRun) => /plan ([0-9a-f]{12})/.exec(stdout)?.[1] ?? ''

const environmentOf = (endpoint: string) => `
    aws: { accountId: "${MOTO_ACCOUNT}", region: us-east-1, endpoint: "${endpoint}" }
    cluster: { eks: none }
    terraform: { varFile: "{environment}.tfvars" }`

beforeAll(async () => {
  if (lack !== undefined) return
  emulator = await startEmulator()
  env = { ...setup.env, ...emulator.env, TF_DATA_DIR: undefined }
  mkdirSync(project)
  cpSync(join(import.meta.dirname, 'fixtures/infrastructure'), join(project, 'terraform'), {
    recursive: true,
  })
  const names = ['development', 'staging', 'production']
  for (const name of names) writeFileSync(variables(name), `identifier = "${name}"\n`)
  const environments = names.map((name) => `  ${name}:${environmentOf(emulator.endpoint)}`)
  writeFileSync(
    join(project, 'emr.config.yaml'),
    ['services: {}', 'environments:', ...environments].join('\n'),
  )
})
afterAll(async () => {
  await emulator?.stop()
  setup.dispose()
})

describe.skipIf(lack !== undefined)('the infrastructure of an environment, from nothing to nothing', () => {
  test('a deploy before bootstrap says what to type', async () => {
    const { exitCode, stderr } = await emr('deploy', 'development', '--skip-services', '--dry-run')
    expect(exitCode).toBe(4)
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
    appendFileSync(variables('development'), 'topics = 3\n')
    const changed = await emr('deploy', 'development', '--skip-services', '--dry-run', '--detailed-exitcode')
    expect(changed).toMatchObject({ exitCode: 10, stdout: expect.stringContaining('1 to create') })
    const stale = await emr('deploy', 'development', '--skip-services', '--approve', fingerprintOf(before))
    expect(stale.exitCode).toBe(4)
    expect(stale.stderr).toContain(
      `its fingerprint is ${fingerprintOf(changed)}, not ${fingerprintOf(before)}`,
    )
  })

  test('a plan that would replace the database is refused, with its address', async () => {
    const kept = readFileSync(variables('development'))
    appendFileSync(variables('development'), 'username = "other"\n')
    const refused = await emr('deploy', 'development', '--skip-services', '--auto-approve', '--json')
    writeFileSync(variables('development'), kept)
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
      expect(await readdir(join(project, '.emr/terraform', name, 'plans'))).toEqual([])
    }
    expect(printed).not.toContain(SECRET)
  })
})

describe.skipIf(lack !== undefined)('an apply that does not come to its end', () => {
  const apply = ['deploy', 'staging', '--skip-services', '--auto-approve']

  test(
    'killed, it leaves a lock that the next run names with owner, age and how to release it',
    async () => {
      const run = start(...apply)
      await run.says('2 of 3')
      const [terraform = ''] = readFileSync(
        `/proc/${run.child.pid}/task/${run.child.pid}/children`,
        'utf8',
      ).split(' ')
      process.kill(Number(terraform), 'SIGKILL')
      run.child.kill('SIGKILL')
      await run.end
      const next = await emr(...apply, '--json')
      expect(next.exitCode).toBe(8)
      const { code, message, suggestions, details } = JSON.parse(next.stdout).error
      expect({ code, message }).toEqual({
        code: 'STATE_LOCKED',
        message: expect.stringMatching(/locked by \S+@\S+ since [\d.]+ \w/),
      })
      expect(details.ageMs).toBeLessThan(MINUTES)
      const release = String(suggestions[1]).replace(/^.*dead: /, '')
      await promisify(execFile)('sh', ['-c', release], { env })
      expect((await emr('deploy', 'staging', '--skip-services', '--dry-run')).exitCode).toBe(0)
    },
    MINUTES,
  )

  test(
    'interrupted, it lets terraform write the state and release the lock, and exits 130',
    async () => {
      const run = start(...apply)
      await run.says('Apply the plan')
      await run.says('2 of 3')
      run.child.kill('SIGINT')
      const { exitCode, stderr } = await run.end
      expect(exitCode).toBe(130)
      expect(stderr).toContain('the state is written and unlocked')
      expect(stderr).toContain('aws_db_instance.main')
      const next = await emr('deploy', 'staging', '--skip-services', '--dry-run', '--json')
      expect(next.exitCode).toBe(0)
      const { changes } = JSON.parse(next.stdout)
      expect(changes.map(({ address }: { address: string }) => address)).toEqual(['aws_db_instance.main'])
      rmSync(join(project, '.emr'), { recursive: true })
    },
    MINUTES,
  )
})
