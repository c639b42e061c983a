import type { DatabaseNetwork } from '../domain/diagnosis/database-network.ts'
import type { EnvironmentFacts, Gap } from '../domain/diagnosis/facts.ts'
import type { AwsAccount, Environment } from '../domain/environment.ts'
import { messageOf } from '../errors.ts'

/**
 * Databases, the network before them, and alarms of an environment on AWS. What cannot be read is a gap: the cluster's
 * findings count alone.
 */
export async function readAws(
  environment: Pick<Environment, 'name' | 'aws' | 'cluster' | 'database'>,
  signal: AbortSignal,
): Promise<{ facts: Partial<EnvironmentFacts>; gaps: Gap[] }> {
  const { aws, name } = environment
  if (aws === undefined) return { facts: {}, gaps: [] }
  const prefix = `emr-platform-${name}`
  const gaps: Gap[] = []
  const attempt = async <T>(what: string, read: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await read()
    } catch (error) {
      gaps.push({ what, why: messageOf(error) })
      return undefined
    }
  }
  const [databases, databaseNetwork, alarms] = await Promise.all([
    attempt('RDS', async () =>
      (await import('../adapters/aws/rds.ts')).databaseInstances(aws, prefix, signal),
    ),
    attempt('network of the database', () => readNetwork(environment, aws, prefix, signal)),
    attempt('CloudWatch alarms', async () =>
      (await import('../adapters/aws/alarms.ts')).openAlarms(aws, prefix, signal),
    ),
  ])
  const facts = {
    ...(databases && { databases }),
    ...(databaseNetwork && { databaseNetwork }),
    ...(alarms && { alarms }),
  }
  return { facts, gaps }
}

/** Of the instance that the configuration names, else of all; undefined where pods and database are not both known. */
async function readNetwork(
  { cluster, database }: Pick<Environment, 'cluster' | 'database'>,
  aws: AwsAccount,
  prefix: string,
  signal: AbortSignal,
): Promise<DatabaseNetwork | undefined> {
  if (cluster.kind !== 'eks') return undefined
  const [{ instancePlaces }, { databaseNetwork }] = await Promise.all([
    import('../adapters/aws/rds.ts'),
    import('../adapters/aws/database-network.ts'),
  ])
  const all = await instancePlaces(aws, database?.instance ?? prefix, signal)
  const places = all.filter(({ id }) => database?.instance === undefined || id === database.instance)
  return places.length === 0 ? undefined : databaseNetwork(aws, cluster.name, places, signal)
}
