import { expect, test } from 'vitest'
import ConfigShow from '../../src/commands/config/show.ts'
import ConfigValidate from '../../src/commands/config/validate.ts'
import { temporaryFolder } from '../support/project.ts'
import { runCommand } from '../support/run-command.ts'

const GOOD = `services: {task-service: {}}
environments: {dev: {cluster: {sandbox: {}}, values: []}}
`

test('a good configuration is said to be good', async () => {
  const folder = temporaryFolder({ 'emr.config.yaml': GOOD, 'helm/task-service/Chart.yaml': '' })
  const { stdout, stderr, exitCode } = await runCommand(ConfigValidate, [
    '--config',
    `${folder}/emr.config.yaml`,
  ])
  expect({ stdout, stderr, exitCode }).toEqual({
    stdout: `✔ ${folder}/emr.config.yaml: 1 environment, 1 service, 0 smoke tests\n`,
    stderr: '',
    exitCode: 0,
  })
})

test('a bad one is an error on stderr, and with --json one document on stdout; exit 3', async () => {
  const folder = temporaryFolder({ 'emr.config.yaml': 'services: {}\nenvironmets: {}\n' })
  const file = `${folder}/emr.config.yaml`
  const human = await runCommand(ConfigValidate, ['--config', file])
  expect(human).toMatchObject({ stdout: '', exitCode: 3 })
  expect(human.stderr).not.toContain('emr config validate')
  expect(human.stderr).toContain(`${file}:2:1  environmets: unknown key; did you mean 'environments'?`)
  const json = await runCommand(ConfigValidate, ['--config', file, '--json'])
  expect(json.exitCode).toBe(3)
  expect(JSON.parse(json.stdout)).toMatchObject({
    error: {
      code: 'CONFIG_INVALID',
      exitCode: 3,
      details: {
        problems: [
          { line: 1, path: 'environments', message: 'is missing' },
          { line: 2, path: 'environmets' },
        ],
      },
    },
  })
})

test('a chart that is not there is a problem of the configuration', async () => {
  const folder = temporaryFolder({ 'emr.config.yaml': GOOD })
  const run = await runCommand(ConfigValidate, ['--config', `${folder}/emr.config.yaml`])
  expect(run.exitCode).toBe(3)
  expect(run.stderr).toContain(`${folder}/helm/task-service/Chart.yaml does not exist`)
})

test('the file of smoke tests is checked too, without the secrets that it names', async () => {
  const project = (smokeTests: string) =>
    temporaryFolder({
      'emr.config.yaml': GOOD,
      'helm/task-service/Chart.yaml': '',
      'smoke-tests.yaml': smokeTests,
    })
  const test = (name: string, url: string) => `{name: ${name}, http: {url: "${url}"}}`
  const good = project(`tests: [${test('a', 'http://x/$' + '{secret.TOKEN}')}]`)
  const run = await runCommand(ConfigValidate, ['--config', `${good}/emr.config.yaml`])
  expect(run).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('1 smoke test\n') })
  const bad = project(`tests: [${test('a', 'http://x/')}, ${test('a', 'http://x/')}]`)
  const refused = await runCommand(ConfigValidate, ['--config', `${bad}/emr.config.yaml`])
  expect(refused.exitCode).toBe(3)
  expect(refused.stderr).toContain("there is another test 'a'")
})

test('show tells value and origin, for people and as JSON', async () => {
  const folder = temporaryFolder({ 'emr.config.yaml': GOOD })
  const flags = ['dev', '--config', `${folder}/emr.config.yaml`]
  const human = await runCommand(ConfigShow, flags)
  expect(human.stdout).toMatch(/^environments\.dev\.namespace +emr-platform-dev +default$/m)
  const { settings } = JSON.parse((await runCommand(ConfigShow, [...flags, '--json'])).stdout)
  expect(settings).toContainEqual({ path: 'environments.dev.values', value: [], origin: 'emr.config.yaml:2' })
})
