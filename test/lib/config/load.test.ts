import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { resolveEnvironment } from '../../../src/lib/config/environment.ts'
import { loadConfig } from '../../../src/lib/config/load.ts'
import { settingsWithOrigins } from '../../../src/lib/config/origins.ts'
import type { ConfigError } from '../../../src/lib/config/problems.ts'
import { temporaryFolder } from '../../support/project.ts'

const GOOD = `services:
  task-service: {}
  api-gateway: {needs: [task-service], chart: charts/gateway}
environments:
  production:
    aws: {accountId: '333333333333', region: us-east-1}
    cluster: {eks: emr}
    rollout: {imagePull: 1m30s}
  dev:
    cluster: {kubeconfig: kube/config, context: kind}
    values: ['values/{service}.{environment}.yaml', '{chart}/more.yaml']
`

async function problemsOf(text: string, env: NodeJS.ProcessEnv = {}): Promise<string[]> {
  const folder = temporaryFolder({ 'emr.config.yaml': text })
  const error = (await loadConfig(folder, undefined, env).catch((thrown: unknown) => thrown)) as ConfigError
  expect(error).toMatchObject({ code: 'CONFIG_INVALID', exitCode: 3 })
  const { problems } = error.details as {
    problems: { line: number; column: number; path: string; message: string }[]
  }
  return problems.map(({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`)
}

describe('a good file', () => {
  test('is found from a folder below it, and its paths are relative to it', async () => {
    const folder = temporaryFolder({ 'emr.config.yaml': GOOD, 'a/b/c.txt': '' })
    const dev = resolveEnvironment(await loadConfig(join(folder, 'a/b'), undefined, {}), 'dev')
    expect(dev).toMatchObject({
      name: 'dev',
      protected: false,
      namespace: 'emr-platform-dev',
      cluster: { kind: 'kubeconfig', kubeconfig: join(folder, 'kube/config'), context: 'kind' },
    })
    expect(dev.services[1]).toEqual({
      name: 'api-gateway',
      needs: ['task-service'],
      chart: join(folder, 'charts/gateway'),
      values: [join(folder, 'values/api-gateway.dev.yaml'), join(folder, 'charts/gateway/more.yaml')],
    })
  })
  test('production is protected unless it says otherwise; durations become milliseconds', async () => {
    const folder = temporaryFolder({ 'emr.config.yaml': GOOD })
    const production = resolveEnvironment(await loadConfig(folder, undefined, {}), 'production')
    expect(production.protected).toBe(true)
    expect(production.rollout).toMatchObject({ imagePull: 90_000, podCreation: 30_000, restarts: 3 })
  })
  test('an unknown environment is answered with the nearest', async () => {
    const config = await loadConfig(temporaryFolder({ 'emr.config.yaml': GOOD }), undefined, {})
    expect(() => resolveEnvironment(config, 'prodution')).toThrow(
      expect.objectContaining({ exitCode: 2, suggestions: ["did you mean 'production'?"] }),
    )
  })
  test('each setting has its origin: line, environment variable or default', async () => {
    const folder = temporaryFolder({ 'emr.config.yaml': GOOD })
    const config = await loadConfig(folder, undefined, { EMR_HELM: '/opt/helm', EMR_ENVIRONMENT: 'dev' })
    const origins = Object.fromEntries(
      settingsWithOrigins(config, 'production').map(({ path, origin }) => [path, origin]),
    )
    expect(origins).toMatchObject({
      defaultEnvironment: 'EMR_ENVIRONMENT',
      'tools.helm': 'EMR_HELM',
      'environments.production.aws.region': 'emr.config.yaml:6',
      'environments.production.rollout.imagePull': 'emr.config.yaml:8',
      'environments.production.rollout.restarts': 'default',
      'environments.production.namespace': 'default',
    })
    expect(Object.keys(origins).some((path) => path.startsWith('environments.dev'))).toBe(false)
  })
})

describe('a bad file', () => {
  test('is reported with all its problems, in the order of its lines', async () => {
    const problems = await problemsOf(`services:
  task-service: {chrat: x}
  api-gateway: {}
  Bad_Name: {}
environments:
  prod:
    aws: {accountId: 111111111111, regoin: us-east-1}
    cluster: {eks: a, sandbox: {}}
  dev:
    cluster: {sandbox: {speeed: 2}}
    rollout: {imagePull: 3 minutes}
  eks:
    cluster: {eks: y}
  dev: {cluster: {sandbox: {}}}
`)
    expect(problems).toEqual([
      "2:18 services.task-service.chrat: unknown key; did you mean 'chart'?",
      '4:3 services.Bad_Name: a service name is a label of at most 53 characters',
      '7:5 environments.prod.aws.region: is missing',
      '7:22 environments.prod.aws.accountId: write the account id in quotes, as a text of 12 digits',
      "7:36 environments.prod.aws.regoin: unknown key; did you mean 'region'?",
      '8:14 environments.prod.cluster: write one of: {eks: NAME}, {kubeconfig: FILE, context: NAME}, {sandbox: {}}',
      '12:3 environments.eks.aws: an environment on EKS needs its AWS account: aws: {accountId: "…", region: …}',
      '14:3 : this key stands twice',
    ])
  })
  test('a key inside one of several forms is reported against that form', async () => {
    const file =
      'services: {}\nenvironments:\n  dev:\n    cluster: {sandbox: {speeed: 2}}\n    rollout: {imagePull: 3 minutes}\n'
    expect(await problemsOf(file)).toEqual([
      "4:25 environments.dev.cluster.sandbox.speeed: unknown key; did you mean 'speed'?",
      '5:26 environments.dev.rollout.imagePull: write a duration such as 30s, 10m or 1h30m',
    ])
  })
  test('what to write is said in words', async () => {
    const problems = await problemsOf(`services:
environments:
  dev:
    protected: 1
    cluster: {sandbox: {speed: 0, nodes: 1.5, kubernetesVersion: v1}}
    concurrency: 99
    values: a.yaml
    rollout: {timeout: 30, restarts: many}
    backup: {store: x, via: magic}
defaultEnvironment: 5
`)
    expect(problems).toEqual([
      '1:10 services: nothing stands here; write keys with their values, such as {key: value}',
      '4:16 environments.dev.protected: write true or false',
      '5:32 environments.dev.cluster.sandbox.speed: write a number of more than 0',
      '5:42 environments.dev.cluster.sandbox.nodes: write a whole number',
      '5:66 environments.dev.cluster.sandbox.kubernetesVersion: write a version such as 1.30.14',
      '6:18 environments.dev.concurrency: write a number of at most 32',
      '7:13 environments.dev.values: write a list such as [a, b]',
      '8:24 environments.dev.rollout.timeout: write a text, in quotes: "30"',
      '8:38 environments.dev.rollout.restarts: write a number',
      '9:29 environments.dev.backup.via: write one of: direct, job',
      '10:21 defaultEnvironment: write a text, in quotes: "5"',
    ])
  })
  test('a placeholder that is not filled in is named, with those that are', async () => {
    const problems = await problemsOf(`services: {}
environments:
  dev:
    cluster: {sandbox: {}}
    values: ["{chrt}/v.yaml", "{chart}/{stage}-{environment}.yaml"]
`)
    expect(problems).toEqual([
      '5:14 environments.dev.values.0: there is no placeholder {chrt}; did you mean {chart}?',
      '5:31 environments.dev.values.1: there is no placeholder {stage}; known: {chart}, {service}, {environment}',
    ])
  })
  test('names that lead nowhere are reported', async () => {
    const file = `${GOOD.replace('needs: [task-service]', 'needs: [task-servce]')}defaultEnvironment: prod\n`
    expect(await problemsOf(file)).toEqual([
      "3:25 services.api-gateway.needs.0: there is no service 'task-servce'; did you mean 'task-service'?",
      "12:21 defaultEnvironment: there is no environment 'prod'; did you mean 'production'?",
    ])
  })
  test('a circle of needs is reported', async () => {
    const [problem] = await problemsOf(
      GOOD.replace('task-service: {}', 'task-service: {needs: [api-gateway]}'),
    )
    expect(problem).toContain('task-service -> api-gateway -> task-service')
  })
  test('that is no YAML names the place', async () => {
    const [problem] = await problemsOf('services: {a: [}\n')
    expect(problem).toMatch(/^1:1\d : /)
  })
  test('names that lead nowhere and circles are reported beside other problems', async () => {
    const file = `services:
  a: {needs: [b]}
  b: {needs: [a, z]}
environments:
  dev: {cluster: {sandbox: {speeed: 2}}}
`
    expect(await problemsOf(file)).toEqual([
      '2:3 services: services need each other in a circle: a -> b -> a',
      "3:18 services.b.needs.1: there is no service 'z'; known: a, b",
      "5:29 environments.dev.cluster.sandbox.speeed: unknown key; did you mean 'speed'?",
    ])
  })
  test('an environment variable is checked like the file, and is what is blamed', async () => {
    const folder = temporaryFolder({ 'emr.config.yaml': GOOD })
    await expect(loadConfig(folder, undefined, { EMR_ENVIRONMENT: 'nowhere' })).rejects.toThrow(
      "  EMR_ENVIRONMENT: there is no environment 'nowhere'; known: production, dev",
    )
  })
  test('that does not exist says where it was looked for', async () => {
    const folder = temporaryFolder()
    await expect(loadConfig(folder, undefined, {})).rejects.toMatchObject({
      code: 'CONFIG_NOT_FOUND',
      exitCode: 3,
    })
    await expect(loadConfig(folder, 'other.yaml', {})).rejects.toThrow(
      `${folder}/other.yaml cannot be read (ENOENT)`,
    )
  })
})
