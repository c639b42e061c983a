import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../../support/project.ts'
import {
  type InfrastructureProject,
  infrastructureLack,
  infrastructureProject,
  variableFile,
} from './project.ts'

const lack = infrastructureLack()
/** A project whose first output is applied. */
async function outputsProject(): Promise<InfrastructureProject> {
  const text = 'terraform {\n  backend "s3" {}\n}\n\noutput "address" { value = "old" }\n'
  const module = temporaryFolder({ 'main.tf': text })
  const project = await infrastructureProject(module, ['development'], '{ varFile: "{environment}.tfvars" }')
  onTestFinished(project.dispose)
  writeFileSync(variableFile(project, 'development'), '')
  expect((await project.emr('bootstrap', 'development', '--yes')).exitCode).toBe(0)
  return project
}

describe.skipIf(lack !== undefined)('a plan of outputs alone', () => {
  test('is a plan: exit 10, asked, approved by its fingerprint, applied; then nothing is left', async () => {
    const project = await outputsProject()
    const deploy = (...args: string[]) => project.emr('deploy', 'development', '--skip-services', ...args)
    expect((await deploy('--yes')).exitCode).toBe(0)
    expect((await deploy('--dry-run', '--detailed-exitcode')).exitCode).toBe(0)
    appendFileSync(join(project.folder, 'terraform/main.tf'), 'output "port" { value = 5432 }\n')

    const dry = await deploy('--dry-run', '--detailed-exitcode')
    expect(dry.exitCode).toBe(10)
    expect(dry.stdout).toMatch(/\+ output {2}port {2}5432\n1 output to change\./)
    const asked = await deploy()
    expect(asked).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('apply 1 output to change') })
    expect((await deploy('--approve', '000000000000')).exitCode).toBe(4)

    const fingerprint = /plan ([0-9a-f]{12})/.exec(dry.stdout)?.[1] ?? ''
    const applied = await deploy('--approve', fingerprint)
    expect(applied).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('applied, 1 output changed'),
    })
    expect(JSON.parse((await project.emr('outputs', 'development', '--json')).stdout).outputs).toMatchObject({
      address: { value: 'old' },
      port: { value: 5432 },
    })
    expect((await deploy('--dry-run', '--detailed-exitcode')).exitCode).toBe(0)
  })
})
