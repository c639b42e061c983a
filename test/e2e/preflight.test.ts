import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { type AwsAnswers, startAwsEndpoint } from './aws-endpoint.ts'
import { openProject, type Project, type ProjectOptions } from './project.ts'

const ACCOUNT = '222222222222'
const CREDENTIALS = {
  AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'not-a-real-secret',
  AWS_PROFILE: '',
}
const root = resolve(import.meta.dirname, '../..')

let project: Project | undefined
afterEach(async () => {
  await project?.close()
  project = undefined
})

async function open(options: ProjectOptions): Promise<Project> {
  project = await openProject(options)
  return project
}

/** A project with one environment on EKS, whose AWS is a local endpoint. */
async function openOnEks(answers: AwsAnswers): Promise<Project> {
  const { url, close } = await startAwsEndpoint(answers)
  onTestFinished(close)
  const aws = { accountId: ACCOUNT, region: 'us-east-1', endpoint: url }
  const staging = { aws, cluster: { eks: 'emr-platform-staging' }, values: ['{chart}/values-staging.yaml'] }
  const environments = { staging, local: {} }
  return open({ environments, env: CREDENTIALS })
}

/** The same failure for people and for programs. */
async function expectFailure(
  args: string[],
  expected: { exitCode: number; code: string; message: RegExp; suggestion?: string },
): Promise<void> {
  const human = await project?.emr(...args)
  expect(human?.stderr).toMatch(expected.message)
  expect(human?.code).toBe(expected.exitCode)
  expect(human?.stdout).toBe('')
  if (expected.suggestion) expect(human?.stderr).toContain(`→ ${expected.suggestion}`)
  const { code, stdout } = (await project?.emr(...args, '--json')) ?? { code: -1, stdout: '' }
  expect(code).toBe(expected.exitCode)
  expect(JSON.parse(stdout).error).toMatchObject({ code: expected.code, exitCode: expected.exitCode })
}

describe('a deploy does not begin', () => {
  test('without helm', async () => {
    await open({ env: { EMR_HELM: '/nowhere/helm' } })
    await expectFailure(['deploy', 'e2e', '--yes'], {
      exitCode: 4,
      code: 'TOOL_MISSING',
      message: /emr needs helm 3\.12\.0 or newer and found none \(\/nowhere\/helm: /,
      suggestion: 'install helm: https://helm.sh/docs/intro/install/',
    })
  })

  test('when the cluster is out of reach', async () => {
    const port = await closedPort()
    const cluster = { kubeconfig: 'kubeconfig', context: 'gone' }
    const { folder } = await open({ environments: { gone: { cluster } } })
    const user = { name: 'gone', user: { token: 'x' } }
    const server = { name: 'gone', cluster: { server: `https://127.0.0.1:${port}` } }
    const contexts = [{ name: 'gone', context: { cluster: 'gone', user: 'gone' } }]
    writeFileSync(join(folder, 'kubeconfig'), JSON.stringify({ clusters: [server], users: [user], contexts }))
    await expectFailure(['deploy', 'gone', '--yes'], {
      exitCode: 4,
      code: 'CLUSTER_UNREACHABLE',
      message: new RegExp(`The API server https://127\\.0\\.0\\.1:${port} does not answer: .*ECONNREFUSED`),
    })
  })

  test('with values that the chart refuses', async () => {
    const { folder } = await open({ environments: { e2e: { values: ['wrong.yaml'] } } })
    writeFileSync(join(folder, 'wrong.yaml'), 'resources: {requests: {memory: lots}}\n')
    await expectFailure(['deploy', 'e2e', '--yes'], {
      exitCode: 4,
      code: 'PREFLIGHT',
      message: /resources.*memory/s,
    })
  })

  test('with a configuration that is no YAML', async () => {
    const { folder } = await open({})
    writeFileSync(join(folder, 'emr.config.yaml'), 'services: [\n')
    await expectFailure(['deploy', 'e2e'], {
      exitCode: 3,
      code: 'CONFIG_INVALID',
      message: /emr\.config\.yaml/,
    })
  })

  test('for a service that is not there', async () => {
    await open({})
    await expectFailure(['deploy', 'e2e', '--services', 'task-servce'], {
      exitCode: 2,
      code: 'SERVICE_UNKNOWN',
      message: /task-servce/,
      suggestion: "did you mean 'task-service'?",
    })
  })

  test('with expired credentials', async () => {
    await openOnEks({ account: 'expired' })
    await expectFailure(['deploy', 'staging', '--skip-infra', '--yes'], {
      exitCode: 4,
      code: 'CREDENTIALS_EXPIRED',
      message: /The AWS credentials have expired/,
      suggestion: 'aws sso login',
    })
  })

  test('in the wrong account', async () => {
    await openOnEks({ account: '999999999999' })
    await expectFailure(['deploy', 'staging', '--skip-infra', '--yes'], {
      exitCode: 4,
      code: 'WRONG_ACCOUNT',
      message: /The credentials belong to account 999999999999, but staging is in 222222222222/,
    })
  })

  test('without the EKS cluster', async () => {
    await openOnEks({ account: ACCOUNT })
    await expectFailure(['deploy', 'staging', '--skip-infra', '--yes'], {
      exitCode: 4,
      code: 'CLUSTER_NOT_FOUND',
      message: /There is no EKS cluster emr-platform-staging in us-east-1 of 222222222222/,
    })
  })
})

describe('on a cluster that refuses', () => {
  test('the credentials', async () => {
    const { faults, cluster } = await open({})
    await cluster.start()
    const injection = faults()
    await injection.set({ refuseTokens: true })
    await expectFailure(['deploy', 'e2e'], {
      exitCode: 4,
      code: 'CLUSTER_UNAUTHORIZED',
      message: /The API server does not accept the credentials/,
    })
    await injection.clear()
    injection.close()
  })

  test('rights, doctor names them', async () => {
    const { emr, faults, cluster } = await open({})
    await cluster.start()
    const injection = faults()
    await injection.set({ denied: [{ verb: 'create', resource: 'secrets' }] })
    const { code, stdout } = await emr('doctor', 'e2e')
    expect(stdout).toMatch(/✖ .*create secrets/)
    expect(code).toBe(4)
    await injection.clear()
    injection.close()
    expect((await emr('doctor', 'e2e')).code).toBe(0)
  })
})

describe('an environment on EKS', () => {
  test('is reached by what DescribeCluster says, with tokens of the AWS CLI', async () => {
    const answers: AwsAnswers = { account: ACCOUNT }
    const { folder, emr, namespaceOf, kubectl, cluster } = await openOnEks(answers)
    await cluster.start()
    const { server, certificateAuthority, token } = await cluster.endpoint()
    answers.cluster = { endpoint: server, certificateAuthority }
    writeAwsCli(join(folder, 'bin'), token)

    const { code, stdout, stderr } = await emr('deploy', 'staging', '--skip-infra', '--yes')
    expect(stderr).not.toContain('✖')
    expect(stdout).toMatch(/^✔ staging: 5 services deployed and ready/)
    expect(code).toBe(0)
    expect(
      (await kubectl('get', 'deployments', '-n', namespaceOf('staging'), '-o', 'name')).stdout,
    ).toContain('api-gateway')
    const kubeconfig = readFileSync(join(folder, '.emr/kubeconfig/staging.yaml'), 'utf8')
    expect(kubeconfig).not.toContain(token)

    const doctor = await emr('doctor', 'staging')
    expect(doctor.stdout).toContain('arn:aws:sts::222222222222:assumed-role/platform/ana')
  })
})

test('an old Node is told what is needed, without a stack', async () => {
  const pretend = `Object.defineProperty(process.versions, 'node', { value: '18.20.0' }); require(${JSON.stringify(join(root, 'bin/run.js'))})`
  const { status, stderr } = spawnSync(process.execPath, ['-e', pretend], { encoding: 'utf8' })
  expect(stderr).toMatch(/^emr needs Node\.js 22\.13 or newer/)
  expect(stderr).not.toContain('    at ')
  expect(status).toBe(4)
})

/** An `aws` that answers `eks get-token` as the AWS CLI does. */
function writeAwsCli(folder: string, token: string): void {
  mkdirSync(folder)
  const credential = {
    kind: 'ExecCredential',
    apiVersion: 'client.authentication.k8s.io/v1beta1',
    spec: {},
    status: { token },
  }
  writeFileSync(
    join(folder, 'aws'),
    `#!/bin/sh\ncase "$1 $2" in\n'eks get-token') echo '${JSON.stringify(credential)}' ;;\n*) echo aws-cli/2.17.0 ;;\nesac\n`,
  )
  chmodSync(join(folder, 'aws'), 0o755)
}

async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
