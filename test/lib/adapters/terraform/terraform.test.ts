import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseEvent } from '../../../../src/lib/adapters/terraform/events.ts'
import { parseLock } from '../../../../src/lib/adapters/terraform/failures.ts'
import { openPlanFolder } from '../../../../src/lib/adapters/terraform/plan-folder.ts'
import { Terraform } from '../../../../src/lib/adapters/terraform/terraform.ts'
import { InterruptedError } from '../../../../src/lib/errors.ts'
import type { Command } from '../../../../src/lib/process/command.ts'
import { type Runner, ToolError } from '../../../../src/lib/process/runner.ts'
import { temporaryFolder } from '../../../support/project.ts'

const LOCKED = `Error: Error acquiring the state lock

Error message: operation error DynamoDB: PutItem, ConditionalCheckFailedException
Lock Info:
  ID:        1c8e2b4f-0000-1111-2222-333344445555
  Path:      bucket/env:/development/emr-platform/terraform.tfstate
  Operation: OperationTypeApply
  Who:       alice@laptop
  Version:   1.11.4
  Created:   2026-11-24 07:22:49.123456789 +0000 UTC
  Info:      
`

function setUp(
  answer: (command: Command) => string = () => '{}',
  version: [number, number, number] = [1, 11, 4],
) {
  const folder = temporaryFolder()
  const commands: Command[] = []
  const runner: Runner = {
    run: async (command, options) => {
      commands.push(command)
      const stdout = answer(command)
      for (const line of stdout.split('\n')) options?.onLine?.(line)
      return { exitCode: 0, stdout, stderr: '' }
    },
  }
  const infrastructure = {
    folder,
    varFile: '/project/terraform/environments/development.tfvars',
    workspace: 'development',
    backend: { bucket: 'states', table: 'locks', key: 'emr/terraform.tfstate', region: 'eu-west-1' },
  }
  const aws = { accountId: '111111111111', region: 'us-east-1', profile: 'dev' }
  const target = { infrastructure, aws, dataFolder: join(folder, 'data') }
  return { terraform: new Terraform({ path: 'terraform', version }, target, runner), commands, folder }
}

test('of the variables of a plan only the region is kept: the others may be secret', async () => {
  const variables = { aws_region: { value: 'eu-west-1' }, password: { value: 'S3cret' } }
  const { terraform } = setUp(() => JSON.stringify({ format_version: '1.2', variables }))
  expect(await terraform.show('tfplan')).toEqual({
    resources: [],
    drift: [],
    outputs: [],
    region: 'eu-west-1',
  })
})

describe('the arguments of', () => {
  test('init: the backend of the configuration, and the lock file as it is', async () => {
    const { terraform, commands } = setUp()
    await terraform.init()
    expect(commands[0]?.args).toEqual([
      ...['init', '-input=false', '-no-color', '-reconfigure', '-lockfile=readonly'],
      ...['-backend-config=bucket=states', '-backend-config=dynamodb_table=locks'],
      ...['-backend-config=key=emr/terraform.tfstate', '-backend-config=region=eu-west-1'],
      '-backend-config=use_lockfile=true',
    ])
  })
  test('init of a Terraform that has no S3 lock', async () => {
    const { terraform, commands } = setUp(undefined, [1, 9, 8])
    await terraform.init()
    expect(commands[0]?.args).not.toContain('-backend-config=use_lockfile=true')
  })
  test('plan: to a file that only its owner reads', async () => {
    const { terraform, commands, folder } = setUp()
    const file = join(folder, 'tfplan')
    await terraform.plan(file, 'destroy')
    expect(commands[0]?.args).toEqual([
      ...['plan', '-json', '-input=false', '-detailed-exitcode'],
      '-var-file=/project/terraform/environments/development.tfvars',
      ...[`-out=${file}`, '-destroy'],
    ])
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })
  test('apply alone changes something', async () => {
    const { terraform, commands } = setUp()
    await terraform.init()
    await terraform.selectWorkspace()
    await terraform.output()
    await terraform.apply('/tmp/plan')
    expect(commands.map(({ effect }) => effect)).toEqual(['read', 'read', 'read', 'write'])
  })
  test('all of them: account, region and profile, and no variable that turns them around', async () => {
    const { terraform, commands } = setUp()
    await terraform.init()
    expect(commands[0]?.env).toMatchObject({
      AWS_PROFILE: 'dev',
      AWS_REGION: 'us-east-1',
      TF_VAR_aws_account_id: '111111111111',
      TF_VAR_aws_region: 'us-east-1',
      TF_WORKSPACE: undefined,
      TF_CLI_ARGS: undefined,
    })
  })
})

describe('a failure', () => {
  const failing = (stdout: string, stderr = '') =>
    setUp((command) => {
      throw new ToolError(command, 'exited with 1', { exitCode: 1, stdout, stderr })
    })

  test('that is a held lock names its owner, its age and the command that releases it', async () => {
    const { terraform, folder } = failing('', LOCKED)
    const error = await terraform.selectWorkspace().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'STATE_LOCKED',
      exitCode: 8,
      message: expect.stringMatching(/locked by alice@laptop since .+ \(apply 1c8e2b4f-/),
      details: { who: 'alice@laptop', since: '2026-11-24T07:22:49.123Z' },
      suggestions: [
        'wait until that run has ended',
        `or, when it is dead: env TF_DATA_DIR=${folder}/data AWS_PROFILE=dev terraform -chdir=${folder} force-unlock -force 1c8e2b4f-0000-1111-2222-333344445555`,
      ],
    })
  })
  test('shows the diagnostics with their place', async () => {
    const diagnostic = {
      severity: 'error',
      summary: 'Invalid value',
      detail: 'Write 2.',
      range: { filename: 'msk.tf', start: { line: 7 } },
    }
    const { terraform, folder } = failing(`${JSON.stringify({ type: 'diagnostic', diagnostic })}\n`)
    await expect(terraform.plan(join(folder, 'p'), 'apply')).rejects.toMatchObject({
      code: 'TERRAFORM_FAILED',
      exitCode: 5,
      message: 'Terraform cannot make a plan:\n  Invalid value (msk.tf:7)\n  Write 2.',
    })
  })
  test('that left the state on this machine names the file and the command that uploads it', async () => {
    const { terraform, folder } = setUp(() => {
      throw new InterruptedError()
    })
    writeFileSync(join(folder, 'errored.tfstate'), '{}')
    await expect(terraform.apply('p')).rejects.toMatchObject({
      code: 'STATE_NOT_WRITTEN',
      exitCode: 130,
      suggestions: [expect.stringContaining('state push errored.tfstate'), expect.stringContaining('delete')],
    })
  })
})

test('a lock without a readable time still names its owner', () => {
  expect(parseLock(LOCKED.replace(/Created:.*/, 'Created: soon'))).toMatchObject({
    who: 'alice@laptop',
    since: 0,
  })
  expect(parseLock('Error: something else')).toBeUndefined()
})

test('lines that are no events are passed over', () => {
  expect(parseEvent('Terraform v1.11.4')).toBeUndefined()
  expect(parseEvent('{"type":"version","terraform":"1.11.4"}')).toBeUndefined()
  expect(parseEvent('{broken')).toBeUndefined()
})

test('the plan of this process goes with it, and so do those of killed ones', async () => {
  const parent = join(temporaryFolder(), 'plans')
  // Above any process id of Linux.
  mkdirSync(join(parent, '4999999'), { recursive: true })
  mkdirSync(join(parent, String(process.ppid)))
  const { file, dispose } = await openPlanFolder(parent)
  writeFileSync(file, '')
  expect(readdirSync(parent).sort()).toEqual([String(process.pid), String(process.ppid)].sort())
  await dispose()
  expect(readdirSync(parent)).toEqual([String(process.ppid)])
})
