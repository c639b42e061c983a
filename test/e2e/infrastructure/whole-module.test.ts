import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { afterAll, describe, expect, test } from 'vitest'
import { MOTO_ACCOUNT } from '../../support/moto.ts'
import { MODULE } from '../../support/terraform.ts'
import { type InfrastructureProject, infrastructureLack, infrastructureProject, MINUTES } from './project.ts'

const VERSIONS = ['version.rds', 'version.eks', 'version.elasticache', 'version.msk']
const QUOTAS = ['quota.vpcs', 'quota.elasticIps', 'quota.vcpus']

const projects: InfrastructureProject[] = []
afterAll(() => Promise.all(projects.map((project) => project.dispose())))

/** The module as it is, in an account of its own. */
async function wholeModule(environment: string): Promise<InfrastructureProject> {
  const project = await infrastructureProject(MODULE, [environment], '{}')
  projects.push(project)
  // The emulator has no host name for each bucket.
  const override = 'provider "aws" {\n  s3_use_path_style = true\n}\n'
  writeFileSync(join(project.folder, 'terraform/emulator_override.tf'), override)
  expect((await project.emr('bootstrap', environment, '--confirm', environment)).exitCode).toBe(0)
  return project
}

/** As the comment in each variable file says: the documented versions give way to those that can be created. */
function takeCreatableVersions({ folder }: InfrastructureProject, environment: string): void {
  const file = join(folder, 'terraform/environments', `${environment}.tfvars`)
  const text = readFileSync(file, 'utf8')
  const taken = text.replaceAll(/^# (eks_version|rds_engine_version|msk_kafka_version)/gm, '$1')
  expect(taken).not.toBe(text)
  writeFileSync(file, taken)
}

/** A deploy with the documented versions ends before anything is made. */
async function refusesDocumentedVersions({ emr }: InfrastructureProject, environment: string) {
  const run = await emr('deploy', environment, '--skip-services', '--confirm', environment, '--json')
  expect(run.exitCode).toBe(4)
  expect(JSON.parse(run.stdout).error).toMatchObject({
    code: 'AWS_WOULD_REFUSE',
    suggestions: [
      'set rds_engine_version = "15.13" in the variable file',
      'set eks_version = "1.33" in the variable file',
      'set msk_kafka_version = "3.8.x" in the variable file',
    ],
  })
}

/** The plan on one screen, and the same as JSON. @returns its fingerprint */
async function showsThePlan({ emr }: InfrastructureProject, environment: string, least: number) {
  const screen = await emr('deploy', environment, '--skip-services', '--dry-run')
  const dry = await emr('deploy', environment, '--skip-services', '--dry-run', '--json')
  const { fingerprint, counts, groups, changes, checks } = JSON.parse(dry.stdout)
  expect(screen.stdout.split('\n').length).toBeLessThanOrEqual(24)
  expect(screen.stdout).toContain(`plan ${fingerprint}`)
  expect(screen.stdout).toMatch(new RegExp(`^${counts.create} to create, \\d+ outputs to change\\.$`, 'm'))
  expect(changes.length).toBeGreaterThanOrEqual(least)
  const none = { update: 0, replace: 0, delete: 0, forget: 0, import: 0, move: 0 }
  expect(counts).toEqual({ create: changes.length, ...none })
  const grouped = groups.map((group: { counts: { create: number } }) => group.counts.create)
  expect(grouped.reduce((sum: number, count: number) => sum + count)).toBe(changes.length)
  const found = checks.map(({ id, status }: Record<string, string>) => [id, status])
  expect(found).toEqual([...VERSIONS, ...QUOTAS].map((id) => [id, 'good']))
  return fingerprint as string
}

/** What later phases and other commands look for. @returns the outputs */
async function tellsItsOutputs({ emr }: InfrastructureProject, environment: string, replicas: number) {
  const name = `emr-platform-${environment}`
  const { outputs } = JSON.parse((await emr('outputs', environment, '--json')).stdout)
  expect(outputs.cluster_name.value).toBe(name)
  expect(outputs.namespace.value).toBe(name)
  expect(outputs.rds_endpoint.value).toMatch(/^emr-platform-\S+\.rds\.amazonaws\.com$/)
  expect(outputs.rds_replica_ids.value).toHaveLength(replicas)
  expect(outputs.backup_bucket.value).toBe(`${name}-backups-${MOTO_ACCOUNT}`)
  // By these names emr logs and the charts find them.
  expect(outputs.log_groups.value).toMatchObject({
    eks: `/aws/eks/${name}/cluster`,
    application: `/aws/containerinsights/${name}/application`,
  })
  const role = `arn:aws:iam::${MOTO_ACCOUNT}:role/${name}-task-service`
  const { stdout } = await emr('outputs', environment)
  expect(stdout).toMatch(new RegExp(`^service_role_arns\\.task-service +${role}$`, 'm'))
  return outputs
}

/** The passwords that the apply drew, from where the charts read them. */
async function drawnPasswords({ endpoint }: InfrastructureProject, environment: string): Promise<string[]> {
  const credentials = { accessKeyId: 'testing', secretAccessKey: 'testing' }
  const client = new SecretsManagerClient({ endpoint, region: 'us-east-1', credentials })
  const read = async (entry: string): Promise<Record<string, string>> => {
    const SecretId = `emr-platform/${environment}/${entry}`
    const { SecretString = '' } = await client.send(new GetSecretValueCommand({ SecretId }))
    return JSON.parse(SecretString)
  }
  const [{ password = '' }, { auth_token = '' }] = await Promise.all([read('database'), read('redis')])
  client.destroy()
  expect([password.length, auth_token.length]).toEqual([40, 64])
  return [password, auth_token]
}

/** In anything that was printed, also of a plan that knows the passwords, and in any file that is left. */
async function tellsNoPassword(project: InfrastructureProject, environment: string) {
  const passwords = await drawnPasswords(project, environment)
  const plan = await project.emr('deploy', environment, '--skip-services', '--dry-run', '--json')
  expect(plan.exitCode).toBe(0)
  const left = readdirSync(project.folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('/providers/'))
    .map(({ parentPath, name }) => join(parentPath, name))
  expect(left.some((file) => file.includes(`/.emr/terraform/${environment}/`))).toBe(true)
  const texts = [project.printed(), ...left.map((file) => readFileSync(file, 'latin1'))]
  // Not by toContain: it would print what it finds.
  const leaks = texts.filter((text) => passwords.some((password) => text.includes(password)))
  expect(leaks.length).toBe(0)
}

describe.skipIf(infrastructureLack() !== undefined)('the whole module', () => {
  test.concurrent(
    'of development, planned by emr deploy',
    async () => {
      const project = await wholeModule('development')
      await refusesDocumentedVersions(project, 'development')
      takeCreatableVersions(project, 'development')
      await showsThePlan(project, 'development', 275)
    },
    MINUTES,
  )

  test.concurrent(
    'of production, applied by emr deploy',
    async () => {
      const project = await wholeModule('production')
      const { emr } = project
      await refusesDocumentedVersions(project, 'production')
      takeCreatableVersions(project, 'production')
      const fingerprint = await showsThePlan(project, 'production', 295)
      const run = await emr('deploy', 'production', '--skip-services', '--approve', fingerprint, '--json')
      expect({ exitCode: run.exitCode, error: JSON.parse(run.stdout).error }).toEqual({ exitCode: 0 })
      const outputs = await tellsItsOutputs(project, 'production', 2)

      const merged = JSON.parse((await emr('kubeconfig', 'production', '--merge', '--json')).stdout)
      expect(merged).toMatchObject({ kubeconfig: project.env.KUBECONFIG, context: 'emr-production' })
      expect(readFileSync(merged.kubeconfig, 'utf8')).toContain(`server: ${outputs.cluster_endpoint.value}`)

      // The configuration names no database and no store: the outputs tell.
      const snapshot = await emr('db-backup', 'snapshot', 'production', '--json')
      expect(snapshot).toMatchObject({
        exitCode: 0,
        stderr: expect.stringContaining(`of ${outputs.rds_instance_id.value}`),
      })
      const backups = await emr('db-backup', 'list', 'production', '--json')
      expect(JSON.parse(backups.stdout)).toMatchObject({ store: `s3://${outputs.backup_bucket.value}` })

      await tellsNoPassword(project, 'production')
    },
    MINUTES,
  )
})
