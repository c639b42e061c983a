import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
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

describe.skipIf(infrastructureLack() !== undefined)('the whole module, applied by emr deploy', () => {
  test.concurrent.each([
    { environment: 'development', least: 275, replicas: 0 },
    { environment: 'production', least: 295, replicas: 2 },
  ])(
    '$environment',
    async ({ environment, least, replicas }) => {
      const project = await wholeModule(environment)
      const { emr } = project
      const answer = ['--skip-services', '--confirm', environment]

      const documented = await emr('deploy', environment, ...answer, '--json')
      expect(documented.exitCode).toBe(4)
      expect(JSON.parse(documented.stdout).error).toMatchObject({
        code: 'AWS_WOULD_REFUSE',
        suggestions: [
          'set rds_engine_version = "15.13" in the variable file',
          'set eks_version = "1.33" in the variable file',
          'set msk_kafka_version = "3.8.x" in the variable file',
        ],
      })
      takeCreatableVersions(project, environment)

      const screen = await emr('deploy', environment, '--skip-services', '--dry-run')
      expect(screen.stdout.split('\n').length).toBeLessThanOrEqual(24)
      const dry = await emr('deploy', environment, '--skip-services', '--dry-run', '--json')
      const { fingerprint, counts, groups, changes, checks } = JSON.parse(dry.stdout)
      expect(checks.map(({ id, status }: Record<string, string>) => [id, status])).toEqual(
        [...VERSIONS, ...QUOTAS].map((id) => [id, 'good']),
      )
      expect(screen.stdout).toContain(`plan ${fingerprint}`)
      expect(screen.stdout).toContain(`${counts.create} to create.`)
      expect(counts).toEqual({ create: changes.length, update: 0, replace: 0, delete: 0, forget: 0 })
      expect(changes.length).toBeGreaterThanOrEqual(least)
      const grouped = groups.map((group: { counts: { create: number } }) => group.counts.create)
      expect(grouped.reduce((sum: number, count: number) => sum + count)).toBe(changes.length)

      const run = await emr('deploy', environment, '--skip-services', '--approve', fingerprint, '--json')
      expect({ exitCode: run.exitCode, error: JSON.parse(run.stdout).error }).toEqual({ exitCode: 0 })

      const { outputs } = JSON.parse((await emr('outputs', environment, '--json')).stdout)
      expect(outputs.cluster_name.value).toBe(`emr-platform-${environment}`)
      expect(outputs.namespace.value).toBe(`emr-platform-${environment}`)
      expect(outputs.rds_endpoint.value).toMatch(/^emr-platform-\S+\.rds\.amazonaws\.com$/)
      expect(outputs.rds_replica_ids.value).toHaveLength(replicas)
      expect(outputs.backup_bucket.value).toBe(`emr-platform-${environment}-backups-123456789012`)
      const screenOfOutputs = (await emr('outputs', environment)).stdout
      expect(screenOfOutputs).toMatch(/^rds_endpoint +\S+$/m)
      expect(screenOfOutputs).toMatch(/^service_role_arns\.task-service +arn:aws:iam::\d{12}:role\/\S+$/m)

      // The configuration names no database: which one it is, the outputs tell.
      const snapshot = await emr('db-backup', 'snapshot', environment, '--json')
      expect({ exitCode: snapshot.exitCode, ...JSON.parse(snapshot.stdout) }).toMatchObject({
        exitCode: 0,
        snapshot: { encrypted: true },
      })
      expect(snapshot.stderr).toContain(`of ${outputs.rds_instance_id.value}`)
      const backups = await emr('db-backup', 'list', environment, '--json')
      expect(JSON.parse(backups.stdout)).toMatchObject({ store: `s3://${outputs.backup_bucket.value}` })
    },
    MINUTES,
  )
})
