import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/**
 * Faults of everything around emr. Each has its exit code, and none is called a bug: that word is for emr's own.
 */
const program = resolve(import.meta.dirname, '../../bin/run.js')

const CONFIG = `services: {web: {chart: ./web}}
environments:
  x: {cluster: {kubeconfig: ./kubeconfig, context: c}}
`
const kubeconfig = (server: string) => `apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: '${server}', insecure-skip-tls-verify: true}}]
users: [{name: u, user: {token: t}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
`
/** Each line nine times the one before: a gigabyte of data in a few lines. */
const BOMB = [
  'a: &a [x,x,x,x,x,x,x,x,x]',
  ...[...'bcdefghi'].map((name, index) => {
    const before = 'abcdefgh'[index]
    return `${name}: &${name} [${Array.from({ length: 9 }, () => `*${before}`).join()}]`
  }),
].join('\n')

interface Fault {
  what: string
  files?: Record<string, string>
  argv: string[]
  exitCode: number
  says: RegExp
  env?: NodeJS.ProcessEnv
}

const monitor = ['monitor', 'x']
const faults: Fault[] = [
  { what: 'help of no command', argv: ['help', 'nosuch'], exitCode: 2, says: /no command 'emr nosuch'/ },
  {
    what: 'help of no command of a topic',
    argv: ['help', 'db-backup', 'nosuch'],
    exitCode: 2,
    says: /nosuch/,
  },
  {
    what: 'an alias bomb in the configuration',
    files: { 'emr.config.yaml': `${BOMB}\n${CONFIG}` },
    argv: ['config', 'validate'],
    exitCode: 3,
    says: /alias/,
  },
  {
    what: 'an alias bomb in the kubeconfig',
    files: { kubeconfig: BOMB },
    argv: monitor,
    exitCode: 4,
    says: /kubeconfig .* cannot be used/,
  },
  {
    what: 'a key __proto__',
    files: { 'emr.config.yaml': CONFIG.replace('web:', '__proto__: {}, web:') },
    argv: ['config', 'validate'],
    exitCode: 3,
    says: /1:12 {2}'__proto__' cannot be a key/,
  },
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty'].flatMap((name): Fault[] => [
    { what: `an environment ${name}`, argv: ['monitor', name], exitCode: 2, says: /no environment/ },
    { what: `a service ${name}`, argv: ['deploy', 'x', '--services', name], exitCode: 2, says: /no service/ },
    {
      what: `a tag of ${name}`,
      argv: ['deploy', 'x', '--tag', `${name}=v1`],
      exitCode: 2,
      says: /no service/,
    },
  ]),
  {
    what: 'a default environment constructor',
    files: { 'emr.config.yaml': `defaultEnvironment: constructor\n${CONFIG}` },
    argv: ['config', 'validate'],
    exitCode: 3,
    says: /no environment 'constructor'/,
  },
  {
    what: 'a configuration that is no text',
    files: { 'emr.config.yaml': '\0'.repeat(1_000_000) },
    argv: ['config', 'validate'],
    exitCode: 3,
    says: /write keys/,
  },
  {
    what: 'a folder for a configuration',
    argv: ['config', 'validate', '--config', '.'],
    exitCode: 3,
    says: /cannot be read \(EISDIR\)/,
  },
  {
    what: 'a server that is no URL',
    files: { kubeconfig: kubeconfig('not a url') },
    argv: ['diagnose', 'x'],
    exitCode: 4,
    says: /kubeconfig .* cannot be used|The kubeconfig/,
  },
  {
    what: 'a server that is not there',
    files: { kubeconfig: kubeconfig('https://127.0.0.1:1') },
    argv: ['diagnose', 'x'],
    exitCode: 4,
    says: /does not answer/,
  },
  {
    what: 'no home',
    argv: ['diagnose', 'x'],
    env: { HOME: undefined },
    exitCode: 4,
    says: /does not answer/,
  },
  {
    what: 'a home that is not there',
    argv: ['diagnose', 'x'],
    env: { HOME: '/nonexistent' },
    exitCode: 4,
    says: /does not answer/,
  },
]

let folder: string
const run = async (
  argv: string[],
  { env = {}, cwd = folder }: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
) => {
  const child = spawn(process.execPath, [program, ...argv], { cwd, env: { ...process.env, CI: '', ...env } })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      text += chunk
    })
  const exitCode = await new Promise((settle) => child.on('close', settle))
  return { exitCode, text }
}

const lay = (files: Record<string, string>) => {
  const all = {
    'emr.config.yaml': CONFIG,
    kubeconfig: kubeconfig('https://127.0.0.1:1'),
    'web/Chart.yaml': 'name: web',
    'web/values-x.yaml': '',
    ...files,
  }
  mkdirSync(join(folder, 'web'), { recursive: true })
  for (const [name, content] of Object.entries(all)) writeFileSync(join(folder, name), content)
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'emr-faults-'))
})

test.each(faults)(
  '$what: exit $exitCode',
  async ({ files = {}, argv, exitCode, says, env }) => {
    lay(files)
    const ended = await run(argv, { env })
    expect(ended.text).not.toContain('this is a bug')
    expect(ended.text).toMatch(says)
    expect(ended.exitCode).toBe(exitCode)
  },
  60_000,
)

test('a current directory that was removed: exit 4', async () => {
  const gone = join(folder, 'gone')
  mkdirSync(gone)
  const script = `process.chdir(${JSON.stringify(gone)}); require('fs').rmdirSync(${JSON.stringify(gone)}); process.argv.splice(1, 0, ${JSON.stringify(program)}); import(${JSON.stringify(program)})`
  const child = spawn(process.execPath, ['-e', script, 'config', 'validate'], { cwd: folder })
  let text = ''
  child.stderr.on('data', (chunk) => {
    text += chunk
  })
  expect(await new Promise((settle) => child.on('close', settle))).toBe(4)
  expect(text).toContain('The current directory does not exist any more')
}, 60_000)

describe('a server that is no API server', () => {
  let server: Server
  let answer = { type: 'text/html', body: '' }
  beforeAll(async () => {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    const subject = ['-subj', '/CN=localhost', '-days', '1', '-nodes']
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'rsa:2048', '-keyout', key, '-out', cert, ...subject],
      { stdio: 'ignore' },
    )
    server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_, response) => {
      response.setHeader('content-type', answer.type)
      response.end(answer.body)
    })
    await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle))
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
    rmSync(folder, { recursive: true, force: true })
  })

  test.each([
    ['a login page', 'text/html', '<html>sign in</html>'],
    ['half an answer', 'application/json', '{"kind":'],
    ['nothing', 'application/json', ''],
    ['null', 'application/json', 'null'],
    ['a list', 'application/json', '[]'],
    ['another object', 'application/json', '{"items":{}}'],
  ])(
    'it answers with %s: exit 4',
    async (_, type, body) => {
      answer = { type, body }
      const { port } = server.address() as AddressInfo
      lay({ kubeconfig: kubeconfig(`https://127.0.0.1:${port}`) })
      for (const argv of [
        ['diagnose', 'x'],
        ['history', 'x'],
        ['doctor', 'x'],
      ]) {
        const { exitCode, text } = await run(argv)
        expect(text, argv.join(' ')).not.toContain('this is a bug')
        expect(text, argv.join(' ')).not.toContain('healthy')
        expect(exitCode, text).toBe(4)
      }
    },
    60_000,
  )
})
