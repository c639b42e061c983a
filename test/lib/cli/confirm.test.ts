import { describe, expect, test } from 'vitest'
import { confirm } from '../../../src/lib/cli/confirm.ts'
import type { Environment } from '../../../src/lib/domain/environment.ts'
import { FakeCluster } from '../../support/fake-cluster.ts'

const aws = { accountId: '333333333333', region: 'us-east-1' }
const production: Partial<Environment> = {
  name: 'production',
  protected: true,
  cluster: { kind: 'eks', name: 'p' },
  aws,
}
const staging: Partial<Environment> = { ...production, name: 'staging', protected: false }

/** Nobody can be asked. */
function answer(environment: Partial<Environment>, flags: { yes?: boolean; confirm?: string }) {
  const consent = { yes: false, confirm: undefined, interactive: false, signal: new AbortController().signal }
  return confirm(new FakeCluster().ports(environment).environment, 'deploy 5 services', {
    ...consent,
    ...flags,
  })
}

describe('a protected environment', () => {
  test('is not changed by --yes', async () => {
    await expect(answer(production, { yes: true })).rejects.toMatchObject({
      code: 'CONFIRMATION_NEEDED',
      exitCode: 2,
      suggestions: ['--confirm production (production is protected: --yes is not enough)'],
    })
  })
  test('is changed once it is named, and by no other name', async () => {
    await answer(production, { confirm: 'production' })
    await expect(answer(production, { yes: true, confirm: 'staging' })).rejects.toMatchObject({
      code: 'CONFIRMATION_WRONG',
      exitCode: 2,
    })
  })
  test('is one on the sandbox too, where it has an AWS account', async () => {
    const sandbox = { ...production, cluster: { kind: 'sandbox' as const } }
    await expect(answer(sandbox, { yes: true })).rejects.toMatchObject({ code: 'CONFIRMATION_NEEDED' })
  })
})

describe('another environment', () => {
  test('wants --yes where nobody can be asked', async () => {
    await expect(answer(staging, {})).rejects.toMatchObject({
      code: 'CONFIRMATION_NEEDED',
      suggestions: ['--yes'],
    })
    await answer(staging, { yes: true })
  })
  test('is not changed by the name of a third one, also where nothing would be asked', async () => {
    await expect(answer(staging, { yes: true, confirm: 'production' })).rejects.toMatchObject({
      code: 'CONFIRMATION_WRONG',
    })
    const sandbox: Partial<Environment> = { name: 'sandbox', cluster: { kind: 'sandbox' } }
    await answer(sandbox, {})
    await expect(answer(sandbox, { confirm: 'production' })).rejects.toMatchObject({
      code: 'CONFIRMATION_WRONG',
    })
  })
})
