import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type HelmMajor, helmMajors } from '../support/binaries.ts'
import { helmFolder, services } from './charts.ts'
import { containersOf, ofKind, workloads } from './objects.ts'
import { environmentFile, type Release, release, render } from './render.ts'

/** Renders the gateway for production with further arguments of helm. */
function gateway(major: HelmMajor, ...args: string[]): Promise<Release> {
  const values = environmentFile('api-gateway', 'production')
  return render({ service: 'api-gateway', environment: 'production', major, args: [...values, ...args] })
}

function settingsOf({ objects }: Release): Record<string, string> {
  return Object.assign({}, ...ofKind(objects, 'ConfigMap').map(({ data }) => data)) as Record<string, string>
}

function imageOf({ objects }: Release): string | undefined {
  return ofKind(objects, 'Deployment')[0]?.spec?.template.spec?.containers[0]?.image
}

/** What the schema refuses: argument, and the path that either message names. */
const wrong: [string, RegExp][] = [
  ['image.tag=20240101', /image[./]tag.*string/],
  ['image.digest=sha256:abc', /image[./]digest.*pattern/],
  ['config.rateLimit.max=0', /config[./]rateLimit[./]max/],
  ['config.rateLimit.max=many', /config[./]rateLimit[./]max.*integer/],
  ['config.ratelimit.max=200', /config.*ratelimit/],
  ['config.log.level=verbose', /config[./]log[./]level/],
  ['replicaCount=5', /replicaCount/],
  ['global.aws.accountId=333333333333', /global[./]aws[./]accountId.*string/],
  ['global.aws.region=virginia', /global[./]aws[./]region.*pattern/],
  ['resources.limits=null', /resources.*limits/],
  ['resources.requests.memory=512', /resources[./]requests[./]memory.*string/],
  ['ingress.sslPolicy=ELBSecurityPolicy-2016-08', /ingress[./]sslPolicy.*pattern/],
  ['ingress.scheme=public', /ingress[./]scheme/],
  ['network.databaseCidrs={10.0.0.1}', /network[./]databaseCidrs[./]0.*pattern/],
]

/** What the library refuses: argument, and what it says to write instead. */
const impossible: [string, string][] = [
  ['image.tag=latest', 'the image tag latest moves; set image.tag to a version'],
  ['global.aws.region=', 'needs a region; set global.aws.region (us-east-1)'],
  ['autoscaling.minReplicas=2', 'autoscaling.minReplicas is 2; production needs at least 3'],
  [
    'autoscaling.maxReplicas=2',
    'autoscaling.maxReplicas is 2, less than the 3 pods that always run; set at least 3',
  ],
  ['terminationGracePeriodSeconds=15', 'the preStop pause alone takes 15; set at least 30'],
  ['startupSeconds=240', 'the roll-out is called failed after 240; set less than that'],
  [
    'global.environment=staging',
    'values of staging in the namespace of production; use --namespace emr-platform-staging',
  ],
]

describe.each(helmMajors)('with helm %s', (major) => {
  test.concurrent.each(wrong)('%s is refused, by its path', async (argument, message) => {
    await expect(gateway(major, '--set', argument)).rejects.toThrow(message)
  })

  test.concurrent.each(impossible)('%s is refused, with what to write instead', async (argument, message) => {
    await expect(gateway(major, '--set', argument)).rejects.toThrow(`api-gateway: `)
    await expect(gateway(major, '--set', argument)).rejects.toThrow(message)
  })

  test.concurrent('another rate limit changes the ConfigMap and its checksum, and nothing else', async () => {
    const [before, after] = await Promise.all([
      gateway(major),
      gateway(major, '--set', 'config.rateLimit.max=200'),
    ])
    const old = before.text.split('\n')
    const changed = after.text
      .split('\n')
      .flatMap((line, index) => (line === old[index] ? [] : [line.trim()]))
    expect(changed).toEqual(['RATE_LIMIT_MAX: "200"', expect.stringMatching(/^checksum\/config: /)])
    expect(after.text.split('\n')).toHaveLength(old.length)
  })

  test.concurrent('numbers of a million and more keep their digits', async () => {
    const fromFile = await gateway(major)
    const fromArgument = await gateway(major, '--set', 'config.request.maxBodyBytes=20000000')
    expect(settingsOf(fromFile)).toMatchObject({ REQUEST_MAX_BODY_BYTES: '1048576' })
    expect(settingsOf(fromArgument)).toMatchObject({ REQUEST_MAX_BODY_BYTES: '20000000' })
  })
})

describe('the image', () => {
  const registry = '333333333333.dkr.ecr.us-east-1.amazonaws.com/emr-platform/api-gateway'
  const digest = `sha256:${'a'.repeat(64)}`

  test.each([
    ['has the version of the chart where no tag is given', [], `${registry}:1.0.0`],
    ['has the tag', ['--set', 'image.tag=v1.2.3'], `${registry}:v1.2.3`],
    ['has a tag of digits, as text', ['--set-string', 'image.tag=20240101'], `${registry}:20240101`],
    [
      'has the digest rather than the tag',
      ['--set', `image.tag=v1,image.digest=${digest}`],
      `${registry}@${digest}`,
    ],
    [
      'comes from the account and region of the command line',
      ['--set-string', 'global.aws.accountId=444444444444', '--set-string', 'global.aws.region=eu-west-1'],
      '444444444444.dkr.ecr.eu-west-1.amazonaws.com/emr-platform/api-gateway:1.0.0',
    ],
    [
      'comes from another registry and repository',
      ['--set', 'image.registry=registry.example.com,image.repository=mirror/gateway'],
      'registry.example.com/mirror/gateway:1.0.0',
    ],
  ])('%s', async (_name, args, image) => {
    expect(imageOf(await gateway('4', ...args))).toBe(image)
  })
})

describe('the environment', () => {
  test('follows from the namespace where no values file is given, with all that production needs', async () => {
    const made = await render({ service: 'api-gateway', environment: 'production', args: [] })
    expect(settingsOf(made)).toMatchObject({ ENVIRONMENT: 'production' })
    expect(imageOf(made)).toBe('emr-platform/api-gateway:1.0.0')
    expect(ofKind(made.objects, 'HorizontalPodAutoscaler')[0]?.spec?.minReplicas).toBe(3)
    expect(ofKind(made.objects, 'Ingress')[0]?.spec?.rules?.[0]?.host).toBe('api.emr-platform.example.com')
    expect(ofKind(made.objects, 'ServiceAccount')[0]?.metadata?.annotations).toBeUndefined()
  })

  test('is rendered alike where values.yaml is named beside its own file, as the documentation does', async () => {
    const own = environmentFile('api-gateway', 'development')
    const args = ['--values', join(helmFolder, 'api-gateway', 'values.yaml'), ...own]
    const made = await render({ service: 'api-gateway', environment: 'development', args })
    expect(made.text).toBe((await release('api-gateway', 'development')).text)
  })

  test('may borrow the values of another where it has none, as the sandbox does', async () => {
    const args = environmentFile('api-gateway', 'development')
    const made = await render({ service: 'api-gateway', environment: 'sandbox', args })
    expect(settingsOf(made)).toMatchObject({ ENVIRONMENT: 'sandbox', LOG_LEVEL: 'debug' })
  })

  test('of a namespace with another name must be given', async () => {
    const namespace = ['--namespace', 'clinic']
    await expect(gateway('4', ...namespace, '--set', 'global.environment=')).rejects.toThrow(
      'the namespace clinic names no environment; use --namespace emr-platform-<environment> or --set global.environment',
    )
    expect(settingsOf(await gateway('4', ...namespace))).toMatchObject({ ENVIRONMENT: 'production' })
  })
})

test('annotations of the pods may be added, and replace those of the chart', async () => {
  const args = [
    '--set-string',
    'podAnnotations.prometheus\\.io/scrape=false,podAnnotations.sandbox\\.emr/fault=oom',
  ]
  const annotations = ofKind((await gateway('4', ...args)).objects, 'Deployment')[0]?.spec?.template.metadata
    ?.annotations
  expect(annotations).toMatchObject({ 'prometheus.io/scrape': 'false', 'sandbox.emr/fault': 'oom' })
  expect(annotations).toHaveProperty('checksum/config')
})

test('an internal load balancer reaches the gateway from the private subnets', async () => {
  const { objects } = await gateway('4', '--set', 'ingress.scheme=internal')
  const ingress = ofKind(objects, 'NetworkPolicy')[0]?.spec?.ingress?.[0]?.from
  expect(ingress?.map(({ ipBlock }) => ipBlock?.cidr)).toEqual([
    '10.0.64.0/19',
    '10.0.96.0/19',
    '10.0.128.0/19',
  ])
})

test('all services of development fit on three nodes of 4 CPUs and 16 GiB, each with as many pods as it may have', async () => {
  const releases = await Promise.all(services.map((service) => release(service, 'development')))
  const needs = releases.map(({ objects }) => {
    const pods = (ofKind(objects, 'HorizontalPodAutoscaler')[0]?.spec?.maxReplicas ?? 0) + 1
    const containers = workloads(objects).flatMap(({ name, spec }) =>
      name.startsWith('Deployment/') ? containersOf(spec) : [],
    )
    return containers.map(({ resources }) => ({
      millis: pods * Number.parseInt(resources?.requests?.cpu ?? '', 10),
      mebibytes: pods * Number.parseInt(resources?.requests?.memory ?? '', 10),
    }))
  })
  const sum = (key: 'millis' | 'mebibytes') => needs.flat().reduce((total, each) => total + each[key], 0)
  expect(sum('millis')).toBeLessThan(3 * 4000)
  expect(sum('mebibytes')).toBeLessThan(3 * 16 * 1024)
})
