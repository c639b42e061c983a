import { CreateDBInstanceCommand, DescribeDBSnapshotsCommand, RDSClient } from '@aws-sdk/client-rds'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import DbBackupSnapshot from '../../../src/commands/db-backup/snapshot.ts'
import { temporaryFolder } from '../../support/project.ts'
import { runCommand } from '../../support/run-command.ts'
import { hasMoto, startMoto } from './moto.ts'

describe.skipIf(!hasMoto)('db-backup snapshot', () => {
  let moto: Awaited<ReturnType<typeof startMoto>>
  const clientOf = (region: string) => new RDSClient({ region, endpoint: moto.endpoint })
  beforeAll(async () => {
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, 'testing')
    moto = await startMoto()
    key = await createKey('us-west-2')
    await clientOf('us-east-1').send(
      new CreateDBInstanceCommand({
        DBInstanceIdentifier: 'emr-db',
        DBInstanceClass: 'db.r6i.large',
        Engine: 'postgres',
        MasterUsername: 'emr',
        MasterUserPassword: 'not-a-secret',
        AllocatedStorage: 20,
        StorageEncrypted: true,
      }),
    )
  })
  /** The emulator tells the region of a request by the scope of its signature. */
  const createKey = async (region: string): Promise<string> => {
    const response = await fetch(moto.endpoint, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': 'TrentService.CreateKey',
        authorization: `AWS4-HMAC-SHA256 Credential=testing/20260101/${region}/kms/aws4_request, SignedHeaders=host, Signature=x`,
      },
      body: '{}',
    })
    const { KeyMetadata } = (await response.json()) as { KeyMetadata: { Arn: string } }
    return KeyMetadata.Arn
  }
  let key = ''
  afterAll(async () => {
    await moto?.stop()
    vi.unstubAllEnvs()
  })

  const project = (instance: string | undefined, accountId = '123456789012') =>
    temporaryFolder({
      'emr.config.yaml': `services: {}
environments:
  dev:
    aws: {accountId: "${accountId}", region: us-east-1, endpoint: "${moto.endpoint}"}
    cluster: {eks: none}
    ${instance ? `database: {instance: ${instance}}` : '# no database'}
    backup: {store: ./backups, snapshotCopy: {region: us-west-2, kmsKey: "${key}"}}
`,
    })
  const run = (folder: string, ...argv: string[]) =>
    runCommand(DbBackupSnapshot, ['dev', '--config', `${folder}/emr.config.yaml`, ...argv])

  test('makes a tagged snapshot and its encrypted copy in the other region', async () => {
    const { stdout, stderr, exitCode } = await run(project('emr-db'), '--annotate', 'ticket=OPS-1', '--json')
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 })
    const { snapshot, copy } = JSON.parse(stdout)
    expect(snapshot).toMatchObject({
      status: 'available',
      encrypted: true,
      instance: 'emr-db',
      region: 'us-east-1',
    })
    expect(copy).toMatchObject({ status: 'available', id: snapshot.id, region: 'us-west-2' })
    const query = new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: snapshot.id })
    const { DBSnapshots: here } = await clientOf('us-east-1').send(query)
    expect(here?.[0]?.TagList).toContainEqual({ Key: 'ticket', Value: 'OPS-1' })
    expect(here?.[0]?.TagList).toContainEqual({ Key: 'emr:environment', Value: 'dev' })
    const { DBSnapshots: there } = await clientOf('us-west-2').send(query)
    expect(there?.[0]?.KmsKeyId).toBe(key)
  })
  test('an instance that is not there, and another account', async () => {
    const missing = await run(project('nope'))
    expect(missing).toMatchObject({ exitCode: 4, stdout: '' })
    expect(missing.stderr).toContain('The RDS instance nope does not exist in us-east-1')
    const other = await run(project('emr-db', '999999999999'))
    expect(other.exitCode).toBe(4)
    expect(other.stderr).toContain('The credentials belong to account 123456789012')
  })
  test('a database that neither the configuration nor the infrastructure names', async () => {
    const { exitCode, stderr } = await run(project(undefined))
    expect(exitCode).toBe(4)
    expect(stderr).toContain('leaves its database or its backups to the infrastructure')
    expect(stderr).toContain('or set environments.dev.database and .backup in emr.config.yaml')
  })
})
