import { execFileSync } from 'node:child_process'
import { appendFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join, resolve } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { processesWith } from '../../support/processes.ts'
import { Terminal } from '../../support/tmux.ts'
import { openProject, type Project } from '../project.ts'
import { surviveOutage } from './outage.ts'

const root = resolve(import.meta.dirname, '../../..')
const chart = join(root, 'helm/task-service')
const emr = `${process.execPath} ${join(root, 'bin/run.js')}`

const HEALTHY = `\
e#e ✔ healthy NAMESPACE #/# pods ready #:#:#Z
SERVICES STATE READY VERSION REV AGE RESTARTS CPU MEMORY AUTOSCALER [live]
> sync-service ✔ ready #/# #.#.# # # # # #Mi #-# cpu #/# % memory #/# %
task-service ✔ ready #/# #.#.# # # # # #Mi #-# cpu #/# % memory #/# %
NODES STATE CPU MEMORY PODS [live]
ip-#-#-#-#.ec#.internal ✔ ready # % # % #
ip-#-#-#-#.ec#.internal ✔ ready # % # % #
ip-#-#-#-#.ec#.internal ✔ ready # % # % #
`
const CRASHING = `\
task-service ✖ degraded #/# new, # old #.#.# → #.#.#-crashloop # # # # #Mi #-# cpu #/# % memory #/#
PODS THAT ARE NOT WELL REASON RESTARTS AGE NODE MESSAGE [live]
task-service-POD ✖ CrashLoopBackOff # # ip-#-#-#-#.ec#.internal exit code #
NODES STATE CPU MEMORY PODS [live]`

describe('emr monitor --watch in a terminal', () => {
  let project: Project
  let terminal: Terminal
  let silence: Awaited<ReturnType<typeof startSilence>>
  /** Beside all others: it mostly waits. */
  let outage: Promise<unknown>
  beforeAll(async () => {
    outage = surviveOutage().catch((error: unknown) => error)
    silence = await startSilence()
    const aws = {
      accountId: '222222222222',
      region: 'us-east-1',
      endpoint: `http://127.0.0.1:${silence.port}`,
    }
    project = await openProject({
      environments: {
        ...{ e2e: {}, empty: {} },
        'silent-api': { cluster: { kubeconfig: 'silent', context: 'silent' } },
        'silent-aws': { cluster: { eks: 'silent' }, aws },
      },
      services: { 'task-service': { chart }, 'sync-service': { chart: join(root, 'helm/sync-service') } },
    })
    writeFileSync(join(project.folder, 'silent'), kubeconfigOf(`https://127.0.0.1:${silence.port}`))
    // What `emr monitor` alone shows.
    appendFileSync(join(project.folder, 'emr.config.yaml'), 'defaultEnvironment: e2e\n')
    expect((await project.emr('deploy', 'e2e', '--skip-smoke-tests')).code).toBe(0)
  })
  afterAll(async () => {
    await outage
    await project.close()
    silence.close()
  })
  beforeEach(() => {
    terminal = new Terminal(project.folder, { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' })
  })
  afterEach(() => terminal.close())

  const open = async () => {
    terminal.enter(`${emr} monitor --watch`)
    await terminal.shows(/task-service +✔ ready +2\/2/)
  }
  /** The shell is back, and the terminal as it was found. */
  const isLeft = async (code: number) => {
    // What is typed before that is the program's to read.
    await expect.poll(() => terminal.state().alternate, { timeout: 30_000 }).toBe(false)
    terminal.enter('echo code $?; stty -a')
    const screen = await terminal.shows(new RegExp(`code ${code}\n[\\s\\S]*iutf8`))
    expect(screen).toMatch(/ icanon/)
    expect(screen).toMatch(/ echo /)
    expect(screen).not.toContain('SERVICES')
    expect(terminal.state()).toEqual({ alternate: false, cursor: true })
  }
  const pidOf = () => processesWith('monitor --watch').find((pid) => commandIn(pid) === project.folder) ?? 0

  test('shows a deploy, a crash loop and the way back live', async () => {
    await open()
    await expect.poll(() => masked(terminal.screen()), { timeout: 30_000 }).toContain(HEALTHY)
    await project.emr('deploy', 'e2e', '--tag', '1.0.1', '--skip-smoke-tests')
    await terminal.shows(/task-service +✔ ready +2\/2 +1\.0\.1 +2/)
    const failed = project.emr(
      'deploy',
      'e2e',
      '--services',
      'task-service',
      '--tag',
      '1.0.2-crashloop',
      '--skip-smoke-tests',
    )
    const screen = await terminal.shows(/task-service-\w+-\w+ +✖ CrashLoopBackOff/)
    expect(masked(screen)).toContain(CRASHING)
    expect((await failed).code).toBe(6)
    await terminal.shows(/e2e +✔ healthy[\s\S]*task-service +✔ ready +2\/2 +1\.0\.1/)
    terminal.press('q')
    await isLeft(0)
  })

  test('filters, sorts, pauses, and opens help, diagnose and logs', async () => {
    await open()
    terminal.press('/', 's', 'y', 'n', 'c', 'Enter')
    const filtered = await terminal.shows(/filter 'sync'/)
    expect(filtered).not.toContain('task-service')
    terminal.press('Escape')
    await terminal.shows(/task-service +✔ ready/)
    terminal.press('?')
    await terminal.shows(/none of them changes anything/)
    terminal.press('q')
    await terminal.shows(/SERVICES/)
    terminal.press('j', 'd')
    await terminal.shows(/✔ e2e task-service: healthy, 2 pods/)
    terminal.press('q', 'l')
    await terminal.shows(/^task-service-\w+-\w+ \{"time"/m)
    terminal.press('q', 'Space')
    await terminal.shows(/PAUSED/)
    terminal.press('q')
    await isLeft(0)
  })

  test('follows the size of the terminal, and leaves nothing of the frame before', async () => {
    await open()
    const keys = '? help  / filter  tab section  j/k row  d diagnose  l logs  s sort  space pause  q quit'
    const times = (text: string, pattern: RegExp) => text.match(pattern)?.length ?? 0
    const layout = () => {
      const text = terminal.screen().replace(/\n$/, '')
      const rows = text.split('\n')
      const keysAt = rows.flatMap((row, index) => (row.includes('? help') ? [index] : []))
      return {
        keys: keysAt.map((index) => [index, rows[index]]),
        tables: times(text, /SERVICES/g),
        services: times(text, /-service +✔ ready/g),
        isWhole: /AUTOSCALER/.test(text),
      }
    }
    for (const [columns, height] of [
      [60, 12],
      [150, 40],
      [70, 20],
    ] as const) {
      terminal.resize(columns, height)
      const wanted = {
        keys: [[height - 2, keys.slice(0, columns).trimEnd()]],
        ...{ tables: 1, services: 2, isWhole: columns === 150 },
      }
      await expect.poll(layout, { timeout: 30_000 }).toEqual(wanted)
    }
    terminal.press('q')
    await isLeft(0)
  })

  test.each(['silent-api', 'silent-aws'])(
    'the first frame does not wait for a server: %s',
    async (environment) => {
      terminal.enter(`${emr} monitor ${environment} --watch`)
      const screen = await terminal.shows(new RegExp(`^ ${environment} [\\s\\S]*SERVICES`), 10_000)
      expect(screen).toMatch(environment === 'silent-aws' ? /reaching the cluster…/ : /unknown|reaching/)
      await expect.poll(() => silence.asked.has(environment), { timeout: 10_000 }).toBe(true)
      terminal.press('q')
      await isLeft(0)
    },
  )

  test('Ctrl-C leaves', async () => {
    await open()
    terminal.press('C-c')
    await isLeft(130)
  })

  test('SIGTERM leaves', async () => {
    await open()
    process.kill(pidOf(), 'SIGTERM')
    await isLeft(130)
  })

  test('Ctrl-Z gives the terminal back, and fg takes it again', async () => {
    await open()
    terminal.press('C-z')
    await terminal.shows(/Stopped|stopped/)
    expect(terminal.state()).toEqual({ alternate: false, cursor: true })
    terminal.enter('stty -a')
    expect(await terminal.shows(/iutf8/)).toMatch(/ icanon/)
    terminal.enter('fg')
    await terminal.shows(/task-service +✔ ready +2\/2/)
    terminal.press('q')
    await isLeft(0)
  })

  test('a crash leaves the terminal, and its message on it', async () => {
    // What no code of emr catches: thrown in its process by a module that Node loads beside it.
    const fault = join(project.folder, 'fault.mjs')
    writeFileSync(fault, "process.on('SIGUSR2', () => { throw new Error('boom of the test') })\n")
    terminal.enter(`NODE_OPTIONS=--import=${fault} ${emr} monitor --watch`)
    await terminal.shows(/task-service +✔ ready +2\/2/)
    expect(terminal.state()).toEqual({ alternate: true, cursor: false })
    process.kill(pidOf(), 'SIGUSR2')
    await terminal.shows(/boom of the test/)
    await isLeft(1)
  })

  test('--until healthy ends by itself, or in time', async () => {
    terminal.enter(`${emr} monitor --until healthy; echo code $?`)
    await terminal.shows(/code 0/)
    terminal.enter(`${emr} monitor empty --until healthy --timeout 2s; echo code $?`)
    await terminal.shows(/Not healthy within 2\.0 s[\s\S]*code 9/)
    await isLeft(0)
  })

  test('what cannot start is said on the shell, not on a screen that goes away', async () => {
    terminal.enter(`${emr} monitor nowhere --watch; echo code $?`)
    await terminal.shows(/There is no environment 'nowhere'[\s\S]*code 2/)
    await isLeft(0)
  })

  test('expired credentials and a throttling API server are said, and come back without doubled rows', async () => {
    await open()
    const faults = project.faults()
    await faults.set({ refuseTokens: true })
    await faults.dropWatches()
    await terminal.shows(/STALE.*does not accept the credentials/)
    await faults.set({ errors: [{ status: 429, retryAfterSeconds: 1, share: 1 }] })
    await terminal.shows(/STALE.*too many requests/)
    await faults.clear()
    faults.close()
    const screen = await terminal.shows(/e2e +✔ healthy[\s\S]*\? help/, 60_000)
    expect(screen).not.toContain('STALE')
    expect(screen.match(/^. task-service /gm)).toHaveLength(1)
    terminal.press('q')
    await isLeft(0)
  })

  test('an API server that is away for 30 s is said, and comes back without doubled or missing rows', async () => {
    expect(await outage).toBeUndefined()
  })
})

/** A screen without what differs from run to run: all figures, the names that Kubernetes makes up, and the widths. */
function masked(screen: string): string {
  const names = screen
    .replace(/emr-platform-\S+/, 'NAMESPACE')
    .replace(/-service-[a-z\d]+-[a-z\d]{5}/g, '-service-POD')
  const lines = names.replace(/\d+[smhd]?\b|\d+/g, '#').split('\n')
  return lines
    .map((line) => line.replace(/ +/g, ' ').trim())
    .filter(Boolean)
    .join('\n')
}

/** The folder that a process works in. */
function commandIn(pid: number): string {
  return execFileSync('readlink', [`/proc/${pid}/cwd`], { encoding: 'utf8' }).trim()
}

/** A server that takes what it is asked, by TLS or not, and never answers. */
async function startSilence() {
  const asked = new Set<string>()
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    // The first byte of TLS.
    socket.on('data', ([byte]) => asked.add(byte === 22 ? 'silent-api' : 'silent-aws'))
    socket.on('error', () => undefined)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  return { port: (server.address() as AddressInfo).port, asked, close }
}

function kubeconfigOf(server: string): string {
  const clusters = [{ name: 'silent', cluster: { server } }]
  const users = [{ name: 'silent', user: { token: 'x' } }]
  const contexts = [{ name: 'silent', context: { cluster: 'silent', user: 'silent' } }]
  return JSON.stringify({ clusters, users, contexts })
}
