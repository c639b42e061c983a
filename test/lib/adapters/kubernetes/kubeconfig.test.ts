import { chmodSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { eksKubeconfig } from '../../../../src/lib/adapters/aws/eks.ts'
import { loadClusterAccess } from '../../../../src/lib/adapters/kubernetes/kubeconfig.ts'
import type { Command } from '../../../../src/lib/process/command.ts'
import { temporaryFolder } from '../../../support/project.ts'

const account = { accountId: '222222222222', region: 'us-east-1', profile: 'prod' }
const cluster = { name: 'c', version: '1.33', endpoint: 'https://c', certificateAuthority: '', vpc: '' }

const EXEC_CREDENTIAL = { kind: 'ExecCredential', apiVersion: 'client.authentication.k8s.io/v1beta1' }

/** Access to a cluster on EKS, whose `aws` answers as written here: a token that lasts so long, or an error. */
async function accessWith(answers: ({ token: string; lastsMs?: number } | Error)[]) {
  const kubeconfig = JSON.stringify(eksKubeconfig(cluster, account, 'emr-prod'))
  const folder = temporaryFolder({ kubeconfig, aws: '' })
  chmodSync(join(folder, 'aws'), 0o755)
  vi.stubEnv('PATH', folder)
  onTestFinished(() => void vi.unstubAllEnvs())
  const runs: Command[] = []
  const run = async (command: Command) => {
    runs.push(command)
    const answer = answers.shift()
    if (answer === undefined || answer instanceof Error) throw answer ?? new Error('no answer is left')
    const { token, lastsMs = 840_000 } = answer
    const expirationTimestamp = new Date(Date.now() + lastsMs).toISOString()
    return {
      exitCode: 0,
      stdout: JSON.stringify({ ...EXEC_CREDENTIAL, status: { token, expirationTimestamp } }),
      stderr: '',
    }
  }
  const access = await loadClusterAccess(join(folder, 'kubeconfig'), 'emr-prod', { run })
  const token = async () => (await access.credentials?.())?.authorization?.replace('Bearer ', '')
  const refuse = async () => access.refuse?.((await access.credentials?.()) ?? {})
  return { token, refuse, runs }
}

test('requests that come together wait for one run of the program', async () => {
  const { token, runs } = await accessWith([{ token: 'a' }])
  expect(await Promise.all([token(), token(), token()])).toEqual(['a', 'a', 'a'])
  expect(runs.map(({ file }) => basename(file))).toEqual(['aws'])
  expect(runs).toMatchObject([{ env: { AWS_PROFILE: 'prod' }, timeoutMs: 30_000 }])
})

test('a token is made anew before it expires, and when the server did not take it', async () => {
  const { token, refuse, runs } = await accessWith([
    { token: 'a', lastsMs: 50_000 },
    { token: 'b' },
    { token: 'b' },
  ])
  expect([await token(), await token(), await token()]).toEqual(['a', 'b', 'b'])
  await refuse()
  expect([await token(), await token()]).toEqual(['b', 'b'])
  expect(runs).toHaveLength(3)
})

test('a program that fails is an error with the command to log in, and is not run again at once', async () => {
  const { token, runs } = await accessWith([
    new Error('aws eks get-token exited with 255: Token has expired'),
  ])
  const failure = { code: 'CREDENTIALS_FAILED', exitCode: 4, suggestions: ['aws sso login --profile prod'] }
  await expect(token()).rejects.toMatchObject({ ...failure, message: expect.stringContaining('expired') })
  await expect(token()).rejects.toMatchObject(failure)
  expect(runs).toHaveLength(1)
})
