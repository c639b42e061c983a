import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MODULE, terraformLack, terraformSetup } from '../support/terraform.ts'

const { env, dispose } = terraformSetup()
afterAll(dispose)

/** @throws with what terraform wrote when it fails */
async function terraform(...args: string[]): Promise<string> {
  try {
    return (await promisify(execFile)('terraform', args, { cwd: MODULE, env })).stdout
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    throw new Error(`terraform ${args.join(' ')}: ${stdout}${stderr}`, { cause: error })
  }
}

describe.skipIf(terraformLack() !== undefined)('the Terraform module', () => {
  beforeAll(() => terraform('init', '-backend=false', '-input=false', '-lockfile=readonly'))

  test('is formatted', async () => {
    expect(await terraform('fmt', '-check', '-recursive')).toBe('')
  })
  test('is valid', async () => {
    const { valid, warning_count } = JSON.parse(await terraform('validate', '-json'))
    expect({ valid, warning_count }).toEqual({ valid: true, warning_count: 0 })
  })

  // Every run of these says which real mistake it guards. AWS is mocked, so they take seconds, not an hour.
  const files = readdirSync(join(MODULE, 'tests')).filter((name) => name.endsWith('.tftest.hcl'))
  test.each(files)(
    '%s',
    async (file) => {
      const output = await terraform('test', '-no-color', `-filter=tests/${file}`)
      expect(output).toMatch(/Success! [1-9]\d* passed, 0 failed/)
    },
    600_000,
  )
})
