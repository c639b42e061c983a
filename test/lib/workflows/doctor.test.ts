import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { KubernetesConnectionError } from '../../../src/lib/adapters/kubernetes/api-error.ts'
import type { ClusterReference } from '../../../src/lib/domain/environment.ts'
import { EmrError, ExitCode } from '../../../src/lib/errors.ts'
import type { ClusterView } from '../../../src/lib/workflows/cluster-checks.ts'
import { type DoctorPorts, examine } from '../../../src/lib/workflows/doctor.ts'
import { FakeCluster } from '../../support/fake-cluster.ts'
import { temporaryFolder } from '../../support/project.ts'

const view: ClusterView = {
  server: 'https://cluster',
  kubectl: 'kubectl --context test',
  version: 'v1.34.0',
  namespace: { exists: true, podSecurity: 'restricted' },
  denied: [],
  missingKinds: [],
  pendingReleases: [],
  lock: { holder: undefined, freeze: undefined },
  records: { sets: [], damaged: [], atWork: undefined, isLockKnown: true },
  deployments: [],
}

function ports(rest: Partial<DoctorPorts> = {}): DoctorPorts {
  const { environment } = new FakeCluster().ports({
    aws: { accountId: '333333333333', region: 'us-east-1', profile: 'prod' },
  })
  return {
    environment,
    configFile: 'emr.config.yaml',
    stateFolder: tmpdir(),
    tools: ['helm'],
    findTool: async (name) => ({ name, path: '/usr/bin/helm', version: [3, 17, 2], source: 'PATH' }),
    identity: async () => ({
      accountId: '333333333333',
      arn: 'arn:aws:iam::333333333333:user/x',
      expiresAt: undefined,
    }),
    smokeTests: async () => 3,
    cluster: async () => view,
    database: async () => [{ id: 'emr-platform-test', status: 'available' }],
    alarms: async () => [],
    now: () => 0,
    ...rest,
  }
}

/** Checks that are not good, as `id status detail`. */
async function findings(rest: Partial<DoctorPorts>) {
  const checks = await examine(ports(rest))
  return checks
    .filter(({ status }) => status !== 'good')
    .map(({ id, status, detail, fix }) => ({ id, status, detail, fix }))
}

test('where all is well, all checks are good', async () => {
  const checks = await examine(ports())
  expect(checks.map(({ id, status }) => `${id} ${status}`)).toEqual([
    'tool.helm good',
    'configuration good',
    'smokeTests good',
    'state good',
    'aws.identity good',
    'aws.database good',
    'aws.alarms good',
    'cluster good',
    'cluster.rights good',
    'cluster.namespace good',
    'cluster.kinds good',
    'cluster.lock good',
    'cluster.operations good',
  ])
})

test('an error is one check’s problem, with the command that mends it, and the others go on', async () => {
  const expired = new EmrError('The AWS credentials have expired', {
    code: 'CREDENTIALS_EXPIRED',
    exitCode: ExitCode.preflight,
    suggestions: ['aws sso login --profile prod'],
  })
  expect(await findings({ identity: async () => Promise.reject(expired) })).toEqual([
    { id: 'aws.identity', status: 'problem', detail: expired.message, fix: 'aws sso login --profile prod' },
  ])
})

test('credentials that end during a deploy are a warning', async () => {
  const identity = async () => ({ accountId: '3', arn: 'arn', expiresAt: 600_000 })
  expect(await findings({ identity })).toEqual([
    {
      id: 'aws.identity',
      status: 'warning',
      detail: 'arn, credentials end in 10 m 00 s',
      fix: 'aws sso login --profile prod',
    },
  ])
})

test('a cluster that cannot be reached leaves out what would be asked of it', async () => {
  const cluster = async () => Promise.reject(new Error('https://cluster: connect ECONNREFUSED'))
  expect(await findings({ cluster })).toMatchObject([{ id: 'cluster', status: 'problem' }])
})

test('a sandbox that does not run is no problem', async () => {
  expect(await findings({ cluster: async () => undefined })).toMatchObject([
    { id: 'cluster', status: 'skipped' },
  ])
})

test('an API server out of reach: the advice is not to ask the doctor again', async () => {
  const { environment } = ports()
  const cluster = async () => Promise.reject(new KubernetesConnectionError('https://x', new Error('refused')))
  const advice = async (reference: ClusterReference) => {
    const [found] = await findings({ cluster, environment: { ...environment, cluster: reference } })
    return found?.fix
  }
  expect(await advice({ kind: 'sandbox' })).toBe('emr sandbox stop && emr sandbox start')
  expect(await advice({ kind: 'kubeconfig', kubeconfig: '/k', context: 'c' })).toContain(
    'kubectl --kubeconfig /k --context c cluster-info',
  )
  expect(await advice({ kind: 'eks', name: 'emr' })).toContain(
    'aws eks describe-cluster --name emr --region us-east-1 --profile prod',
  )
})

test('a frozen environment is a problem, and an operation at work a warning', async () => {
  const freeze = { reason: 'quarter end', by: 'ana', since: '2026-03-14T03:15:00Z' }
  const holder = { ...freeze, id: '2026', operation: 'deploy', host: 'ci', pid: 7, alive: true }
  const cluster = async () => ({ ...view, lock: { holder, freeze } })
  expect(await findings({ cluster })).toEqual([
    {
      id: 'cluster.lock',
      status: 'problem',
      detail: 'frozen by ana since 2026-03-14T03:15:00Z: quarter end',
      fix: 'emr unlock test',
    },
    {
      id: 'cluster.lock',
      status: 'warning',
      detail: 'held by deploy 2026 of ana (process 7 on ci), since 2026-03-14T03:15:00Z',
      fix: 'wait for it: emr deploy --wait-lock 10m',
    },
  ])
})

test('values files of another account are a problem, with what to correct', async () => {
  const folder = temporaryFolder({
    'Chart.yaml': 'name: a\n',
    'values.yaml': 'global: { aws: { accountId: "222222222222" } }\n',
  })
  const service = { name: 'a', chart: folder, values: [`${folder}/values.yaml`], needs: [] }
  const environment = { ...ports().environment, services: [service] }
  expect(await findings({ environment })).toEqual([
    {
      id: 'configuration',
      status: 'problem',
      detail: `${folder}/values.yaml: global.aws.accountId is 222222222222, but environments.test.aws.accountId is 333333333333`,
      fix: 'correct the account in these files, or environments.test.values, or environments.test.aws.accountId',
    },
  ])
})

test('a state folder that cannot be written is a problem', async () => {
  const folder = temporaryFolder({ '.emr': 'a file', 'other/sandbox': 'a file' })
  const state = async (name: string) => (await findings({ stateFolder: `${folder}/${name}` }))[0]
  expect(await state('.emr')).toMatchObject({ id: 'state', status: 'problem' })
  expect(await state('other')).toMatchObject({
    status: 'problem',
    detail: `${folder}/other/sandbox is a file, and has to be a folder`,
  })
  expect(await state('new')).toBeUndefined()
})

test('smoke tests that cannot be used are a problem; that there are none is a warning', async () => {
  const broken = async () => Promise.reject(new Error('The file of smoke tests has a problem'))
  expect(await findings({ smokeTests: broken })).toMatchObject([{ id: 'smokeTests', status: 'problem' }])
  expect(await findings({ smokeTests: async () => undefined })).toMatchObject([
    { id: 'smokeTests', status: 'warning' },
  ])
})

test('charts and values files that cannot be read are named', async () => {
  const { environment } = ports()
  const services = [{ name: 'a', chart: '/no/chart', values: ['/'], needs: [] }]
  const [found] = await findings({ environment: { ...environment, services } })
  expect(found?.detail).toBe('/no/chart/Chart.yaml does not exist\n/ is a folder, not a file')
})

test('a refusal is no answer: neither a free lock nor a namespace that is missing', async () => {
  const cluster = async (): Promise<ClusterView> => ({
    ...view,
    ...{ namespace: 'unknown', pendingReleases: 'unknown', lock: 'unknown' },
  })
  const found = await findings({ cluster })
  expect(found.map(({ id, status, detail }) => `${id} ${status}: ${detail}`)).toEqual([
    'cluster.namespace warning: not known: not allowed to get namespaces',
    'cluster.releases warning: not known: not allowed to list secrets',
    'cluster.lock warning: not known: not allowed to get leases.coordination.k8s.io',
  ])
})

test('missing rights and kinds are problems; an open namespace and releases left behind are warnings', async () => {
  const cluster = async (): Promise<ClusterView> => ({
    ...view,
    namespace: { exists: true, podSecurity: undefined },
    denied: [
      { verb: 'create', group: 'apps', resource: 'deployments', scope: 'namespace', purpose: 'work' },
      { verb: 'list', group: '', resource: 'events', scope: 'namespace', purpose: 'explain' },
    ],
    missingKinds: ['external-secrets.io/v1 ExternalSecret'],
    pendingReleases: ['task-service (pending-upgrade)'],
  })
  const found = await findings({ cluster })
  expect(found.map(({ id, status }) => `${id} ${status}`)).toEqual([
    'cluster.rights problem',
    'cluster.namespace warning',
    'cluster.kinds problem',
    'cluster.releases warning',
  ])
  expect(found[0]?.detail).toBe('not allowed: create deployments.apps')
  expect(found[1]?.fix).toBe(
    'kubectl --context test label namespace emr-platform-test pod-security.kubernetes.io/enforce=restricted',
  )
})

test('an unavailable database and alarms that fire are warnings: a deploy may be what mends them', async () => {
  const found = await findings({
    database: async () => [{ id: 'emr-platform-test', status: 'storage-full' }],
    alarms: async () => ['rds-free-storage'],
  })
  expect(found.map(({ id, status, detail }) => `${id} ${status} ${detail}`)).toEqual([
    'aws.database warning emr-platform-test storage-full',
    'aws.alarms warning in alarm: rds-free-storage',
  ])
})
