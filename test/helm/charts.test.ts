import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { helmBinary, helmMajors } from '../support/binaries.ts'
import { environments, helmFolder, matrix, services } from './charts.ts'
import { calls } from './policies/calls.ts'
import { policies } from './policies/index.ts'
import { environmentFile, helm, release } from './render.ts'
import { schemaFaults } from './schema/validate.ts'

beforeAll(async () => {
  await Promise.all(helmMajors.map(helmBinary))
})

describe.each(matrix)('$service in $environment', ({ service, environment }) => {
  test.concurrent.each(helmMajors)('passes helm %s lint --strict', async (major) => {
    const chart = join(helmFolder, service)
    const namespace = ['--namespace', `emr-platform-${environment}`]
    const report = await helm(major, [
      'lint',
      '--strict',
      chart,
      ...namespace,
      ...environmentFile(service, environment),
    ])
    expect(report).toContain('0 chart(s) failed')
    expect(report).not.toMatch(/\[(WARNING|ERROR)\]/)
  })

  test.concurrent('renders the same with both majors of helm', async () => {
    const [three, four] = await Promise.all(helmMajors.map((major) => release(service, environment, major)))
    expect(three?.text).toBe(four?.text)
  })

  test.concurrent('renders objects that a strict API server takes', async () => {
    const { objects } = await release(service, environment)
    expect(objects.flatMap(schemaFaults)).toEqual([])
  })

  test('renders what it rendered before', async () => {
    const { text } = await release(service, environment)
    await expect(`${text}\n`).toMatchFileSnapshot(`snapshots/${environment}/${service}.yaml`)
  })
})

test.each(Object.entries(policies))('every release keeps the policy %s', async (_name, policy) => {
  const releases = await Promise.all(matrix.map((each) => release(each.service, each.environment)))
  const faults = releases.flatMap((each) =>
    policy(each).map((fault) => `${each.service} in ${each.environment}: ${fault}`),
  )
  expect(faults).toEqual([])
})

describe.each(environments)('the platform in %s', (environment) => {
  test('lets the gateway call the services, each test pod its service, and nobody anybody else', async () => {
    const releases = await Promise.all(services.map((service) => release(service, environment)))
    const upstreams = services.filter((service) => service !== 'api-gateway')
    expect(calls(releases).sort()).toEqual(
      [
        ...upstreams.map((service) => `api-gateway -> ${service}`),
        ...services.map((service) => `${service}-test -> ${service}`),
      ].sort(),
    )
  })
})
