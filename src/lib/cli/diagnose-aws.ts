import type { DatabaseInstance } from '../adapters/aws/rds.ts'
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
  const gaps: Gap[] = []
  const attempt = async <T>(what: string, read: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await read()
    } catch (error) {
      gaps.push({ what, why: messageOf(error) })
      return undefined
    }
  }
  const reading = attempt('RDS', async () =>
    (await import('../adapters/aws/rds.ts')).knownDatabases(aws, environment, signal),
  )
  const [databases, databaseNetwork, alarms] = await Promise.all([
    reading,
    attempt('network of the database', async () => readNetwork(environment, aws, await reading, signal)),
    attempt('CloudWatch alarms', async () =>
      (await import('../adapters/aws/alarms.ts')).openAlarms(aws, name, signal),
    ),
  ])
  const facts = {
    ...(databases && { databases: databases.map(({ id, status }) => ({ id, status })) }),
    ...(databaseNetwork && { databaseNetwork }),
    ...(alarms && { alarms }),
  }
  return { facts, gaps }
}

/**
 * Of the instance that the configuration names, else of all. Undefined without EKS, and where no database listens, which
 * its status says.
 */
async function readNetwork(
  { cluster, database }: Pick<Environment, 'cluster' | 'database'>,
  aws: AwsAccount,
  databases: DatabaseInstance[] | undefined,
  signal: AbortSignal,
): Promise<DatabaseNetwork | undefined> {
  if (cluster.kind !== 'eks') return undefined
  if (databases === undefined) throw new Error('it is not known which database it is')
  const named = databases.filter(({ id }) => id === (database?.instance?.toLowerCase() ?? id))
  const places = named.flatMap(({ place }) => place ?? [])
  if (places.length === 0) return undefined
  const { databaseNetwork } = await import('../adapters/aws/database-network.ts')
  return databaseNetwork(aws, cluster.name, places, signal)
}
