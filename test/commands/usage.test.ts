import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import Deploy from '../../src/commands/deploy.ts'
import { COMMANDS } from '../../src/commands/index.ts'
import Rollback from '../../src/commands/rollback.ts'
import Scale from '../../src/commands/scale.ts'
import type { BaseCommand } from '../../src/lib/cli/base-command.ts'
import { processInterrupt } from '../../src/lib/cli/interrupt.ts'
import { temporaryFolder } from '../support/project.ts'
import { runCommand } from '../support/run-command.ts'

const CONFIG = `services:
  task-service: {chart: ${resolve(import.meta.dirname, '../../helm/task-service')}}
environments:
  production: {aws: {accountId: '333333333333', region: us-east-1}, cluster: {eks: x}, values: []}
  local: {cluster: {kubeconfig: none, context: none}, values: []}
  incomplete: {cluster: {kubeconfig: none, context: none}, values: [none.yaml]}
`

async function deploy(...argv: string[]) {
  const folder = temporaryFolder({ 'emr.config.yaml': CONFIG })
  return runCommand(Deploy, [...argv, '--config', `${folder}/emr.config.yaml`])
}

describe('wrong words exit 2 and say what to type instead', () => {
  test.each([
    [['prodution'], "There is no environment 'prodution'", "did you mean 'production'?"],
    [
      ['local', '-e', 'production'],
      "The environment is given twice: 'local' and -e 'production'",
      'name it once',
    ],
    [[], 'No environment is named', 'name it as the first argument: production, local'],
    [['local', '--tga', 'v1'], 'Nonexistent flag: --tga', "did you mean '--tag'?"],
    [['local', '--yes', '--confirm', 'foo'], "--confirm 'foo' does not name", '--confirm local'],
    [['local', '--timeout', 'soon'], "'soon' is no duration", 'emr deploy --help'],
    [['local', '--timeout', '0s'], "'0s' is too short; the least is 1.0 s", ''],
    [['local', '--services', 'task-servce'], "no service 'task-servce'", "did you mean 'task-service'?"],
    [['local', '--concurrency', '0'], 'greater than or equal to 1', 'emr deploy --help'],
    [['local', '--skip-infra', '--skip-services'], 'cannot also be provided', 'emr deploy --help'],
    [['local', '--detailed-exitcode'], '--dry-run', 'emr deploy --help'],
    [['local', '--tag', 'a b'], "'a b' is no image tag", '--tag v1.4.2'],
    [['local', '--tag', 'v1', '--tag', 'v2'], 'Two tags are given for all services', ''],
  ])('%j', async (argv, message, hint) => {
    const { stdout, stderr, exitCode } = await deploy(...argv)
    expect(exitCode).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toContain(message)
    expect(stderr).toContain(hint)
  })
  test('as JSON too, without the typed words', async () => {
    const { stdout, exitCode } = await deploy('local', '--json', '--tag', 'v1', '--nope')
    expect(exitCode).toBe(2)
    expect(JSON.parse(stdout)).toEqual({
      error: {
        code: 'USAGE',
        message: 'Nonexistent flag: --nope',
        exitCode: 2,
        suggestions: ['emr deploy --help'],
        details: {},
      },
    })
  })
})

test('a values file that is not there is noticed before anything is reached', async () => {
  const { stderr, exitCode } = await deploy('incomplete')
  expect(exitCode).toBe(4)
  expect(stderr).toMatch(/✖ The deploy cannot start: a problem\n.*none\.yaml does not exist/)
})

test('a kubeconfig that is not there is a preflight problem', async () => {
  const { stderr, exitCode } = await deploy('local')
  expect(exitCode).toBe(4)
  expect(stderr).toMatch(/The kubeconfig .*\/none cannot be used: ENOENT/)
})

describe('help', () => {
  const shown = Object.entries<typeof BaseCommand>(COMMANDS).filter(([, { hidden }]) => !hidden)
  test.each(shown)('%s has a short summary and an example to copy', (id, { summary = '', examples }) => {
    expect(summary.length).toBeGreaterThan(10)
    expect(summary.length).toBeLessThanOrEqual(60)
    expect(examples?.[0]).toMatch(new RegExp(`^<%= config.bin %> ${id.replaceAll(':', ' ')}`))
  })
  test('flags of all commands', () => {
    const flags = Object.entries(COMMANDS).map(([id, command]) => [
      id,
      Object.keys(command.flags ?? {}).sort(),
    ])
    expect(Object.fromEntries(flags)).toMatchSnapshot()
  })
})

describe('the infrastructure of', () => {
  test.each([
    [
      ['production', '--auto-approve'],
      'production is protected: --auto-approve does not count',
      '--confirm production',
    ],
    [['production', '--approve', 'abc'], '--approve answers for the infrastructure alone', '--skip-services'],
    [['local', '--skip-services'], 'local has no infrastructure', 'environments.local.aws'],
    [['local', '--refresh-only'], 'local has no infrastructure', 'environments.local.aws'],
    [['production', '--approve', 'abc', '--auto-approve'], 'cannot also be provided', 'emr deploy --help'],
    [['production', '--skip-infra', '--approve', 'abc'], 'cannot also be provided', 'emr deploy --help'],
  ])('%j is refused before anything is planned', async (argv, message, hint) => {
    const { stdout, stderr, exitCode } = await deploy(...argv)
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 2 })
    expect(stderr).toContain(message)
    expect(stderr).toContain(hint)
  })
})

test('a signal that came before the command was loaded stops it, also as a document', async () => {
  processInterrupt()
  process.emit('SIGINT', 'SIGINT')
  const { stdout, stderr, exitCode } = await deploy('local', '--json')
  expect(exitCode).toBe(130)
  expect(JSON.parse(stdout).error).toMatchObject({ code: 'INTERRUPTED', message: 'Interrupted by SIGINT' })
  expect(stderr).toContain('✖ Interrupted by SIGINT\n')
})

test('a service of the default environment is understood, and another name to --confirm is told', async () => {
  const folder = temporaryFolder({ 'emr.config.yaml': `defaultEnvironment: local\n${CONFIG}` })
  const argv = ['task-service', '3', '--confirm', 'foo', '--config', `${folder}/emr.config.yaml`]
  const { stderr, exitCode } = await runCommand(Scale, argv)
  expect(exitCode).toBe(2)
  expect(stderr).toContain(
    "✖ --confirm 'foo' does not name the environment: it is local\n  → --confirm local\n",
  )
})

test('an empty --to names no release set, and no cluster is asked', async () => {
  const configuration = `${temporaryFolder({ 'emr.config.yaml': CONFIG })}/emr.config.yaml`
  const run = await runCommand(Rollback, ['local', 'all', '--to', '', '--config', configuration])
  expect(run.exitCode).toBe(2)
  expect(run.stderr).toContain('✖ --to names no release set\n  → emr history local\n')
})
