import { join } from 'node:path'
import { assertAccount, callerIdentity } from '../adapters/aws/account.ts'
import { openPlanFolder } from '../adapters/terraform/plan-folder.ts'
import { Terraform } from '../adapters/terraform/terraform.ts'
import type { InfrastructurePorts } from '../workflows/infrastructure/types.ts'
import { usageError } from './flags.ts'
import { type Session, tool } from './session.ts'

/**
 * Runs something with the infrastructure of an environment; its plan file is gone afterwards.
 * @throws {EmrError} USAGE (2) for an environment without AWS account
 */
export async function withInfrastructurePorts<T>(
  session: Session,
  work: (ports: InfrastructurePorts) => Promise<T>,
): Promise<T> {
  const { stateFolder, runner, signal } = session
  const environment = infrastructureOf(session)
  const { aws, infrastructure, name } = environment
  const dataFolder = join(stateFolder, 'terraform', name)
  const [terraform, folder] = await Promise.all([
    tool(session, 'terraform'),
    openPlanFolder(join(dataFolder, 'plans')),
  ])
  try {
    return await work({
      environment,
      terraform: new Terraform(terraform, { infrastructure, aws, dataFolder }, runner),
      planFile: folder.file,
      identity: async () => {
        const identity = await callerIdentity(aws, signal)
        assertAccount(identity, aws, name)
        return identity
      },
      stateStore: async () => {
        const { StateStore } = await import('../adapters/aws/state-store.ts')
        return new StateStore(aws, infrastructure.backend, signal).inspect()
      },
      newestSnapshot: async (instance) =>
        (await import('../adapters/aws/rds.ts')).newestSnapshot(aws, instance, signal),
      offeredVersions: async (service) =>
        (await import('../adapters/aws/versions.ts')).offeredVersions(aws, service, signal),
      quota: async (name) => (await import('../adapters/aws/quotas.ts')).quotaView(aws, name, signal),
      signal,
      now: Date.now,
    })
  } finally {
    await folder.dispose()
  }
}

/** The environment as one that has infrastructure. @throws {EmrError} USAGE (2) */
export function infrastructureOf({ environment }: Session): InfrastructurePorts['environment'] {
  const { aws, infrastructure } = environment
  if (aws !== undefined && infrastructure !== undefined) return { ...environment, aws, infrastructure }
  throw usageError(`${environment.name} has no infrastructure: its configuration names no AWS account`, [
    `set environments.${environment.name}.aws in emr.config.yaml`,
  ])
}
