import { execFileSync } from 'node:child_process'
import { lstatSync, readFileSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { afterEach, describe, expect, test, vi } from 'vitest'
import Kubeconfig from '../../src/commands/kubeconfig.ts'
import { kubectlBinary } from '../support/binaries.ts'
import { OWN_KUBECONFIG } from '../support/kubeconfig.ts'
import { temporaryFolder } from '../support/project.ts'
import { runCommand } from '../support/run-command.ts'

afterEach(() => vi.unstubAllEnvs())

const SHARED = `apiVersion: v1
kind: Config
clusters: [{name: lab, cluster: {server: "https://lab.example", certificate-authority: lab.pem}}]
users: [{name: robot, user: {tokenFile: robot.token}}]
contexts: [{name: lab, context: {cluster: lab, user: robot}}]
`

function project() {
  const folder = temporaryFolder({
    'emr.config.yaml':
      'services: {}\nenvironments: {lab: {cluster: {kubeconfig: shared/config, context: lab}}}\n',
    'shared/config': SHARED,
    'shared/lab.pem': rootCertificates[0] ?? '',
    'shared/robot.token': 'token',
    'home/real-config': OWN_KUBECONFIG,
  })
  const own = join(folder, 'home/config')
  symlinkSync('real-config', own)
  vi.stubEnv('KUBECONFIG', `${own}:${join(folder, 'another')}`)
  const merge = () => runCommand(Kubeconfig, ['lab', '--merge', '--config', join(folder, 'emr.config.yaml')])
  return { folder, own, merge }
}

describe('emr kubeconfig --merge', () => {
  test('adds the context to the file of the user, who can use it, and keeps the rest', async () => {
    const { folder, own, merge } = project()
    expect(await merge()).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('lab: context lab') })
    const text = readFileSync(own, 'utf8')
    expect(text).toContain('# Mine. Ask before you change it.\n')
    expect(text).toContain('# The token of the wall.\n- name: me\n  user:\n    token: abc\n')
    const file = await kubectlBinary('4')
    const kubectl = (...args: string[]) =>
      execFileSync(file, ['--kubeconfig', own, 'config', ...args], { encoding: 'utf8' }).trim()
    expect(kubectl('get-contexts', '-o', 'name').split('\n').sort()).toEqual(['home', 'lab'])
    expect(kubectl('current-context')).toBe('home')
    const view = JSON.parse(kubectl('view', '--context', 'lab', '--minify', '-o', 'json'))
    expect(view.clusters[0].cluster['certificate-authority']).toBe(join(folder, 'shared/lab.pem'))
    expect(view.users[0].user.tokenFile).toBe(join(folder, 'shared/robot.token'))
  })
  test('keeps the file as it was beside it, private, and a link as a link', async () => {
    const { folder, own, merge } = project()
    await merge()
    expect(readFileSync(join(folder, 'home/real-config.before-emr'), 'utf8')).toBe(OWN_KUBECONFIG)
    expect(lstatSync(own).isSymbolicLink()).toBe(true)
    expect(statSync(own).mode & 0o777).toBe(0o600)
    // Nothing more to do: the file from before stays the one from before.
    const { mtimeMs } = statSync(own)
    expect((await merge()).exitCode).toBe(0)
    expect(statSync(own).mtimeMs).toBe(mtimeMs)
    expect(readFileSync(join(folder, 'home/real-config.before-emr'), 'utf8')).toBe(OWN_KUBECONFIG)
  })
})
