import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LogEntry } from '../../../src/lib/workflows/logs.ts'
import { type AwsAnswers, startAwsEndpoint } from '../aws-endpoint.ts'
import { jsonLines, openProject, type Project } from '../project.ts'
import { changesIn, expectWhole, type Told } from './told.ts'

const ACCOUNT = '111111111111'
const chart = resolve(import.meta.dirname, '../../../helm/task-service')
const EXPIRED = 'Error when retrieving token from sso: Token has expired and refresh failed'

describe('an environment on EKS whose login expires', () => {
  const answers: AwsAnswers = { account: ACCOUNT }
  let endpoint: Awaited<ReturnType<typeof startAwsEndpoint>>
  let project: Project
  let login: { expires: () => void; isRenewed: () => void }
  beforeAll(async () => {
    endpoint = await startAwsEndpoint(answers)
    const aws = { accountId: ACCOUNT, region: 'us-east-1', endpoint: endpoint.url, profile: 'ops' }
    project = await openProject({
      services: { 'task-service': { chart } },
      environments: { cloud: { aws, cluster: { eks: 'emr-platform-cloud' } }, local: {} },
      env: { AWS_CONFIG_FILE: 'aws-config', AWS_PROFILE: '', EMR_ENVIRONMENT: 'cloud' },
    })
    const { folder } = project
    writeFileSync(join(folder, 'aws-config'), '[profile ops]\naws_access_key_id=a\naws_secret_access_key=b\n')
    await project.cluster.start()
    const { server, certificateAuthority, token } = await project.cluster.endpoint()
    answers.cluster = { endpoint: server, certificateAuthority }
    login = writeAwsCli(folder, token)
    login.isRenewed()
    const options = ['--skip-infra', '--skip-smoke-tests', '--yes']
    expect(await project.emr('deploy', ...options)).toMatchObject({
      code: 0,
      stderr: expect.not.stringContaining('✖'),
    })
  })
  afterAll(async () => {
    await project?.close()
    endpoint?.close()
  })

  test('monitor and logs say how to log in, and go on after it', async () => {
    const watching = project.start('monitor', '--watch', '--output', 'ndjson')
    const following = project.start('logs', '--follow', '--output', 'ndjson')
    const [told, entries] = [jsonLines<Told>(watching), jsonLines<LogEntry>(following)]
    await expect.poll(() => told.length && entries.length, { timeout: 30_000 }).toBeGreaterThan(0)
    const marks = () => entries.flatMap(({ type, text }) => (type === 'mark' ? [text] : []))
    const sourceOf = (name: string) => changesIn(told, 'source', name).at(-1)?.after

    login.expires()
    const faults = project.faults()
    await faults.dropWatches()
    const words = new RegExp(`no credentials .*${EXPIRED}; run: aws sso login --profile ops$`, 's')
    for (const name of ['deployments', 'pods', 'events', 'autoscalers', 'nodes']) {
      await expect.poll(() => sourceOf(name), { timeout: 30_000 }).toMatch(words)
      expect(sourceOf(name)).toMatch(/^paused: /)
    }
    await expect.poll(marks, { timeout: 30_000 }).toContainEqual(expect.stringMatching(words))
    const image = 'task-service=emr-platform/task-service:1.0.1'
    await project.kubectl(
      'set',
      'image',
      'deployment/task-service',
      image,
      '-n',
      project.namespaceOf('cloud'),
    )

    login.isRenewed()
    const isReady = () => changesIn(told, 'service').at(-1)?.after
    await expect.poll(isReady, { timeout: 60_000 }).toMatch(/^ready 2\/2 1\.0\.1/)
    await expect
      .poll(marks, { timeout: 60_000 })
      .toEqual(expect.arrayContaining(['connected again', expect.stringMatching(/^new pod/)]))

    // The server itself refuses what the program still holds for good.
    await faults.set({ refuseTokens: true })
    await faults.dropWatches()
    const refusal = /^paused: .*does not accept the credentials.*; run: aws sso login --profile ops$/
    await expect.poll(() => sourceOf('pods'), { timeout: 30_000 }).toMatch(refusal)
    await faults.clear()
    faults.close()
    await expect.poll(() => sourceOf('pods'), { timeout: 60_000 }).toBe('ok')
    await expectWhole(told, project)
    for (const { child, ended } of [watching, following]) {
      child.kill('SIGINT')
      expect((await ended).code).toBe(130)
    }
  })
})

/** An `aws` as the AWS CLI is: it gives tokens, which are old at once, while somebody is logged in. */
function writeAwsCli(folder: string, token: string): { expires: () => void; isRenewed: () => void } {
  const [bin, session] = [join(folder, 'bin'), join(folder, 'session')]
  mkdirSync(bin)
  const status = { token, expirationTimestamp: new Date().toISOString() }
  const credential = { kind: 'ExecCredential', apiVersion: 'client.authentication.k8s.io/v1beta1', status }
  const version = `[ "$1 $2" = 'eks get-token' ] || { echo aws-cli/2.17.0; exit; }`
  const answer = `[ -e '${session}' ] || { echo '${EXPIRED}' >&2; exit 255; }\necho '${JSON.stringify(credential)}'`
  writeFileSync(join(bin, 'aws'), `#!/bin/sh\n${version}\n${answer}\n`)
  chmodSync(join(bin, 'aws'), 0o755)
  return { expires: () => rmSync(session), isRenewed: () => writeFileSync(session, '') }
}
