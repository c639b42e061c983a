import { execFileSync } from 'node:child_process'
import { cpSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MODULE, terraformLack, terraformSetup } from '../support/terraform.ts'
import { type Mutation, mutations } from './policies/mutations.ts'
import { policies, type Resource } from './policies/policies.ts'

const { env, folder, dispose } = terraformSetup()
afterAll(dispose)

/** Applied with AWS mocked, so that also what AWS gives out (ids, ARNs) is known. The checks warn, as they should. */
const APPLY = `
mock_provider "aws" {
  source = "./tests/mocks"
}

run "apply" {
  expect_failures = [
    check.eks_version_creatable, check.rds_version_creatable,
    check.kafka_version_creatable, check.eks_administrators_named,
  ]
}
`

const environments = ['development', 'staging', 'production'] as const
const applied: Record<string, Resource[]> = {}

function applyAll(): void {
  const module = join(folder, 'module')
  cpSync(MODULE, module, { recursive: true, filter: (file) => !file.includes('.terraform/') })
  for (const name of readdirSync(join(module, 'tests'))) {
    if (name.endsWith('.tftest.hcl')) rmSync(join(module, 'tests', name))
  }
  writeFileSync(join(module, 'tests/apply.tftest.hcl'), APPLY)
  const terraform = (...args: string[]) =>
    execFileSync('terraform', args, { cwd: module, env, encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 })
  terraform('init', '-backend=false', '-input=false', '-lockfile=readonly')
  for (const name of environments) {
    const lines = terraform('test', '-json', '-verbose', `-var-file=environments/${name}.tfvars`).split('\n')
    const state = lines.find((line) => line.includes('"type":"test_state"'))
    applied[name] = JSON.parse(state ?? '{}').test_state.root_module.resources
  }
}

/** A copy with one mistake in it. */
function mutated(resources: Resource[], { type, path, value }: Mutation): Resource[] {
  const copy = structuredClone(resources)
  const target = copy.find((resource) => resource.type === type)
  if (target === undefined) throw new Error(`The module has no ${type} any more`)
  const parent = path
    .slice(0, -1)
    .reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], target.values)
  if (typeof parent !== 'object' || parent === null)
    throw new Error(`${target.address} has no ${path.join('.')}`)
  Object.assign(parent, { [String(path.at(-1))]: value })
  return copy
}

describe.skipIf(terraformLack() !== undefined)('the applied module', () => {
  beforeAll(applyAll, 300_000)

  const names = Object.keys(policies) as (keyof typeof policies)[]
  describe.each(environments)('%s', (environment) => {
    test.each(names)('%s', (name) => {
      expect(policies[name](applied[environment] ?? [])).toEqual([])
    })
  })

  const table = Object.entries(mutations).flatMap(([name, list]) =>
    list.map((mutation) => ({
      name: name as keyof typeof policies,
      mutation,
      mistake: `${mutation.type} ${mutation.path.join('.')} = ${JSON.stringify(mutation.value)}`,
    })),
  )
  test.each(table)('$name notices $mistake', ({ name, mutation }) => {
    expect(policies[name](mutated(applied.production ?? [], mutation))).not.toEqual([])
  })
})
