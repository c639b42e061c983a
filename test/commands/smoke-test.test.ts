import { expect, test } from 'vitest'
import Validate from '../../src/commands/config/validate.ts'
import SmokeTest from '../../src/commands/smoke-test.ts'
import { temporaryFolder } from '../support/project.ts'
import { runCommand } from '../support/run-command.ts'

const CONFIG = `services: {}
environments: {dev: {cluster: {sandbox: {}}}}
`

test.each([
  [[], 'smoke-tests.yaml does not exist'],
  [['--file', '/no/such/nix.yaml'], '/no/such/nix.yaml does not exist'],
  [['--file', '/'], 'smoke tests / cannot be read: it is a folder'],
])('with %j, the file that cannot be read is named; exit 3', async (flags, message) => {
  const folder = temporaryFolder({ 'emr.config.yaml': CONFIG })
  const run = await runCommand(SmokeTest, ['dev', '--config', `${folder}/emr.config.yaml`, ...flags])
  expect(run.exitCode).toBe(3)
  expect(run.stderr).toContain(message)
})

test('a file that the configuration names has to be there; exit 3', async () => {
  const folder = temporaryFolder({ 'emr.config.yaml': `${CONFIG}smokeTests: nope.yaml\n` })
  const argv = ['--config', `${folder}/emr.config.yaml`]
  for (const run of [await runCommand(SmokeTest, ['dev', ...argv]), await runCommand(Validate, argv)]) {
    expect(run.exitCode).toBe(3)
    expect(run.stderr).toContain(`${folder}/nope.yaml does not exist; emr.config.yaml:3 names it`)
  }
})
