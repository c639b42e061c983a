import { setTimeout as delay } from 'node:timers/promises'
import type { DBSnapshot, RDSClient } from '@aws-sdk/client-rds'
import type { AwsAccount } from '../../domain/environment.ts'
import { EmrError, ExitCode } from '../../errors.ts'
import { withClient } from './client.ts'
import { instanceMissing } from './rds-endpoint.ts'

export interface RdsSnapshot {
  id: string
  arn: string
  instance: string
  /** `creating`, `available`, `failed` and others, as RDS names them. */
  status: string
  /** 0 to 100 */
  percent: number
  encrypted: boolean
  region: string
}

const POLL_MS = 5_000

/** Snapshots of RDS instances in one account and region. */
export class RdsSnapshots {
  readonly #account: AwsAccount
  readonly #pollMs: number

  constructor(account: AwsAccount, pollMs = POLL_MS) {
    this.#account = account
    this.#pollMs = pollMs
  }

  /** CreateDBSnapshot. @throws {EmrError} INSTANCE_NOT_FOUND, INSTANCE_BUSY, SNAPSHOT_EXISTS (exit 4) */
  create(
    instance: string,
    id: string,
    tags: Record<string, string>,
    signal: AbortSignal,
  ): Promise<RdsSnapshot> {
    return this.#with(`make a snapshot of ${instance}`, async (client) => {
      const { CreateDBSnapshotCommand } = await import('@aws-sdk/client-rds')
      const { DBSnapshot } = await client
        .send(
          new CreateDBSnapshotCommand({
            DBInstanceIdentifier: instance,
            DBSnapshotIdentifier: id,
            Tags: tagList(tags),
          }),
          { abortSignal: signal },
        )
        .catch((error) => {
          throw this.#refusal(error, instance, id)
        })
      return this.#snapshot(DBSnapshot)
    })
  }

  /** CopyDBSnapshot into this object's region, encrypted with a key of that region. */
  copy(
    source: RdsSnapshot,
    kmsKeyId: string,
    tags: Record<string, string>,
    signal: AbortSignal,
  ): Promise<RdsSnapshot> {
    return this.#with(`copy the snapshot ${source.id}`, async (client) => {
      const { CopyDBSnapshotCommand } = await import('@aws-sdk/client-rds')
      const { DBSnapshot } = await client.send(
        new CopyDBSnapshotCommand({
          SourceDBSnapshotIdentifier: source.arn,
          TargetDBSnapshotIdentifier: source.id,
          KmsKeyId: kmsKeyId,
          CopyTags: false,
          Tags: tagList(tags),
        }),
        { abortSignal: signal },
      )
      return this.#snapshot(DBSnapshot)
    })
  }

  /** Waits until a snapshot is available. @throws {EmrError} SNAPSHOT_FAILED (exit 5) */
  async wait(id: string, onPercent: (percent: number) => void, signal: AbortSignal): Promise<RdsSnapshot> {
    return this.#with(`follow the snapshot ${id}`, async (client) => {
      const { DescribeDBSnapshotsCommand } = await import('@aws-sdk/client-rds')
      for (;;) {
        const { DBSnapshots } = await client.send(
          new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: id }),
          {
            abortSignal: signal,
          },
        )
        const found = this.#snapshot(DBSnapshots?.[0])
        onPercent(found.percent)
        if (found.status === 'available') return found
        if (/fail|incompatible|deleted/.test(found.status)) {
          throw new EmrError(`RDS could not make the snapshot ${id}: it is ${found.status}`, {
            code: 'SNAPSHOT_FAILED',
            exitCode: ExitCode.tool,
            suggestions: [`aws rds describe-events --source-type db-snapshot --source-identifier ${id}`],
          })
        }
        await delay(this.#pollMs, undefined, { signal })
      }
    })
  }

  #snapshot(found: DBSnapshot | undefined): RdsSnapshot {
    return {
      id: found?.DBSnapshotIdentifier ?? '',
      arn: found?.DBSnapshotArn ?? '',
      instance: found?.DBInstanceIdentifier ?? '',
      status: found?.Status ?? 'unknown',
      percent: found?.PercentProgress ?? 0,
      encrypted: found?.Encrypted ?? false,
      region: this.#account.region,
    }
  }

  #refusal(error: Error, instance: string, id: string): Error {
    if (error.name.startsWith('DBInstanceNotFound'))
      return instanceMissing(this.#account, instance, 'does not exist')
    const refused = (code: string, message: string) =>
      new EmrError(message, { code, exitCode: ExitCode.preflight, cause: error })
    if (error.name.startsWith('InvalidDBInstanceState'))
      return refused('INSTANCE_BUSY', `RDS makes no snapshot of ${instance} now: ${error.message}`)
    if (error.name.startsWith('DBSnapshotAlreadyExists'))
      return refused('SNAPSHOT_EXISTS', `There is a snapshot ${id} already`)
    return error
  }

  async #with<T>(doing: string, action: (client: RDSClient) => Promise<T>): Promise<T> {
    const { RDSClient } = await import('@aws-sdk/client-rds')
    return withClient(RDSClient, this.#account, doing, action)
  }
}

function tagList(tags: Record<string, string>): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
}
