import { expect, test } from 'vitest'
import Deploy from '../../src/commands/deploy.ts'
import { temporaryFolder } from '../support/project.ts'
import { runCommand } from '../support/run-command.ts'

test('--services without a name is told so, with those that there are; exit 2', async () => {
  const folder = temporaryFolder({
    'emr.config.yaml': 'services: {one: {}, two: {}}\nenvironments: {dev: {cluster: {sandbox: {}}}}\n',
  })
  const run = await runCommand(Deploy, ['dev', '--config', `${folder}/emr.config.yaml`, '--services', ','])
  expect(run.exitCode).toBe(2)
  expect(run.stderr).toContain('--services names no service')
  expect(run.stderr).toContain('known services: one, two')
})
