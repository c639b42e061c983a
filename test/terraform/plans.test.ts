import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import type { ListrTask } from 'listr2'
import { describe, expect, test } from 'vitest'
import { type PlanMode, Terraform } from '../../src/lib/adapters/terraform/terraform.ts'
import { infrastructurePlanView, infrastructureResultView } from '../../src/lib/output/infrastructure-view.ts'
import { stdoutTheme } from '../../src/lib/output/theme.ts'
import { ProcessRunner } from '../../src/lib/process/runner.ts'
import { applyTasks, isEmpty } from '../../src/lib/workflows/infrastructure/apply.ts'
import { planTasks } from '../../src/lib/workflows/infrastructure/prepare.ts'
import type { InfrastructurePorts } from '../../src/lib/workflows/infrastructure/types.ts'
import { thresholds } from '../lib/domain/rollout/facts.ts'
import { temporaryFolder } from '../support/project.ts'

/** The terraform program alone: its built-in resource needs no provider, and the state is a file. */
const lack = spawnSync('terraform', ['version']).error
if (lack && process.env.CI) throw lack

const BEFORE = `
resource "terraform_data" "a" { input = "one" }
resource "terraform_data" "b" { input = "two" }
output "o" { value = "x" }
output "password" {
  value     = "S3cretOld"
  sensitive = true
}
`
const rest = (...without: string[]) =>
  BEFORE.split('\n')
    .filter((line) => !without.some((part) => line.includes(part)))
    .join('\n')

/** A module whose first version is applied, what the tests change, and the same state asked by Terraform itself. */
function project() {
  const folder = temporaryFolder({ 'main.tf': BEFORE, 'test.tfvars': '' })
  const dataFolder = join(folder, '.terraform')
  const env = {
    ...process.env,
    TF_DATA_DIR: dataFolder,
    CHECKPOINT_DISABLE: '1',
    TF_CLI_CONFIG_FILE: undefined,
  }
  const terraform = (...args: string[]) =>
    spawnSync('terraform', args, { cwd: folder, env, encoding: 'utf8' })
  const signal = new AbortController().signal
  const infrastructure = {
    ...{ folder, varFile: join(folder, 'test.tfvars'), workspace: 'default' },
    backend: { bucket: 'b', table: 't', key: 'k', region: 'us-east-1' },
  }
  const aws = { accountId: '1', region: 'us-east-1' }
  const real = new Terraform(
    { path: 'terraform', version: [1, 11, 4] },
    { infrastructure, aws, dataFolder },
    new ProcessRunner(),
  )
  const there = {
    bucket: true,
    versioning: true,
    encryption: true,
    publicAccessBlock: true,
    tlsOnlyPolicy: true,
    lockTable: true,
    pointInTimeRecovery: true,
  }
  const ports: InfrastructurePorts = {
    environment: {
      ...{
        name: 'dev',
        protected: false,
        namespace: 'n',
        cluster: { kind: 'eks', name: 'c' },
        aws,
        infrastructure,
      },
      ...{ services: [], concurrency: 1, rollout: thresholds },
    },
    terraform: real,
    planFile: join(folder, 'tfplan'),
    identity: async () => ({ accountId: '1', arn: 'a', expiresAt: undefined }),
    stateStore: async () => there,
    newestSnapshot: async () => undefined,
    offeredVersions: async () => [],
    quota: async () => ({ limit: 1, used: 0 }),
    signal,
    now: Date.now,
  }
  const plan = async (mode: PlanMode = 'apply') => {
    const planning = planTasks(ports, mode)
    await run(planning.tasks)
    return planning.plan()
  }
  const apply = async (planned: Awaited<ReturnType<typeof plan>>) => {
    const applying = applyTasks(ports, planned)
    await run(applying.tasks)
    return applying.result()
  }
  const change = (text: string) => writeFileSync(join(folder, 'main.tf'), text)
  /** Terraform's own answer: 0 nothing to do, 2 something. */
  const exitCode = (...args: string[]) =>
    terraform('plan', '-detailed-exitcode', '-input=false', '-lock=false', ...args).status
  return { plan, apply, change, terraform, exitCode }
}

async function run(tasks: ListrTask[]): Promise<void> {
  for (const { task, enabled } of tasks) if (enabled !== false) await task(undefined, { title: '' } as never)
}

const shown = (view: string) => stripVTControlCharacters(view)

describe.skipIf(lack !== undefined)('a plan of the real Terraform', () => {
  const KINDS: [
    name: string,
    text: string,
    lines: RegExp[],
    closing: string,
    applied: string,
    prepare?: string[],
  ][] = [
    ['nothing', BEFORE, [], 'Nothing to change.', 'as it should be'],
    [
      'outputs alone',
      rest('S3cret', '"o"').replace('output "password" {', 'output "password" {\n  value = "S3cretNew"') +
        'output "new" { value = terraform_data.a.output }',
      [
        /- output {2}o {2}"x"$/,
        /\+ output {2}new {2}"one"$/,
        /~ output {2}password {2}\(sensitive\) → \(sensitive\)$/,
      ],
      '3 outputs to change.',
      'applied, 3 outputs changed',
    ],
    [
      'an import alone',
      `${BEFORE}\nimport {\n  to = terraform_data.c\n  id = "abc"\n}\nresource "terraform_data" "c" {}`,
      [/< import +terraform_data\.c {2}imported by abc$/],
      '1 to import.',
      'applied, 1 imported',
    ],
    [
      'a move alone',
      `${BEFORE.replace('"a"', '"c"')}\nmoved {\n  from = terraform_data.a\n  to = terraform_data.c\n}`,
      [/> move +terraform_data\.c {2}moved from terraform_data\.a$/],
      '1 to move.',
      'applied, 1 moved',
    ],
    [
      'a removal from the state alone',
      `${rest('"b"')}\nremoved {\n  from = terraform_data.b\n  lifecycle {\n    destroy = false\n  }\n}`,
      [/\. forget +terraform_data\.b {2}no longer in the configuration$/],
      '1 to remove from the state.',
      'applied, 1 removed from the state',
    ],
    [
      'a tainted resource',
      BEFORE,
      [/± replace +terraform_data\.a {2}tainted: its creation failed halfway/],
      '1 to replace.',
      'applied, 1 replaced',
      ['taint', 'terraform_data.a'],
    ],
    [
      'what was removed from the state by hand',
      BEFORE,
      [],
      '1 to create.',
      'applied, 1 created',
      ['state', 'rm', 'terraform_data.b'],
    ],
  ]

  test.each(KINDS)(
    'of %s is shown, has its own fingerprint, is applied, and leaves nothing',
    async (...kind) => {
      const [name, text, lines, closing, applied, prepare = []] = kind
      const { plan, apply, change, terraform, exitCode } = project()
      await apply(await plan())
      const unchanged = await plan()
      change(text)
      if (prepare.length > 0) expect(terraform(...prepare).status).toBe(0)

      const planned = await plan()
      expect(exitCode()).toBe(isEmpty(planned) ? 0 : 2)
      expect(isEmpty(planned)).toBe(name === 'nothing')
      const view = shown(infrastructurePlanView(planned, stdoutTheme)).split('\n')
      for (const line of lines) expect(view).toContainEqual(expect.stringMatching(line))
      expect(view.at(-1)).toBe(closing)
      expect(JSON.stringify(planned)).not.toContain('S3cret')
      expect(planned.fingerprint === unchanged.fingerprint).toBe(name === 'nothing')
      expect((await plan()).fingerprint).toBe(planned.fingerprint)

      const result = await apply(planned)
      expect(shown(infrastructureResultView(result, stdoutTheme))).toContain(applied)
      expect(exitCode()).toBe(0)
      expect(isEmpty(await plan())).toBe(true)
    },
    60_000,
  )

  test('of what was changed outside Terraform is shown, and accepted by a refresh', async () => {
    const { plan, apply, terraform, exitCode, change } = project()
    await apply(await plan())
    // A module whose output is what the state knows: terraform_data itself never differs from its state.
    change(`${BEFORE}output "late" { value = terraform_data.a.output }`)
    const planned = await plan('refresh-only')
    expect(exitCode('-refresh-only')).toBe(isEmpty(planned) ? 0 : 2)
    expect(isEmpty(planned)).toBe(false)
    expect(shown(infrastructurePlanView(planned, stdoutTheme))).toContain(
      'No resource was changed outside Terraform; outputs differ.',
    )
    expect(shown(infrastructureResultView(await apply(planned), stdoutTheme))).toContain(
      'state was refreshed',
    )
    expect(exitCode('-refresh-only')).toBe(0)
    expect(JSON.parse(terraform('output', '-json').stdout)).toMatchObject({ late: { value: 'one' } })
  }, 60_000)

  test('that destroys takes the outputs of an empty module too', async () => {
    const { plan, apply, change, terraform } = project()
    change('output "o" { value = "x" }')
    await apply(await plan())
    const planned = await plan('destroy')
    expect(isEmpty(planned)).toBe(false)
    await apply(planned)
    expect(JSON.parse(terraform('output', '-json').stdout)).toEqual({})
  }, 60_000)
})
