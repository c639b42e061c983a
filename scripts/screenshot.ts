/**
 * Writes the pictures of README: docs/deploy-sandbox.svg and docs/deploy-failure.svg, from real runs of the built emr in
 * a terminal (tmux) on a new sandbox. Run it with `npm run docs:screenshot` when the look of a deploy has changed.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { terminalSvg } from './terminal-svg.ts'

const COLUMNS = 110
const ROWS = 80
const RUN_TIMEOUT_MS = 120_000

const root = resolve(import.meta.dirname, '..')
const program = join(root, 'bin', 'run.js')
const scenes = [
  {
    picture: 'deploy-sandbox.svg',
    args: ['deploy', 'sandbox'],
    exitCode: 0,
    title: 'emr deploy sandbox',
    description:
      'A terminal in which emr deploys the five services to an empty sandbox in two waves, the gateway last, and says that all are ready.',
  },
  {
    picture: 'deploy-failure.svg',
    args: ['deploy', 'sandbox', '--services', 'task-service', '--tag', '1.0.1-crashloop'],
    exitCode: 6,
    title: 'emr deploy of a version that crashes',
    description:
      'A terminal in which emr gives up a deploy: the new pods crash. It shows pod, container, exit code, reason, event, the last log lines, what to do, and that it has gone back to the last good release set.',
  },
]

const home = realpathSync(mkdtempSync(join(tmpdir(), 'emr-screenshot-')))
const project = join(home, 'emr-platform')
// A terminal with colours, whatever this script was started from.
const env = {
  ...process.env,
  NO_COLOR: undefined,
  FORCE_COLOR: undefined,
  CI: undefined,
  TERM: 'xterm-256color',
}
const socket = join(home, 'tmux')
const tmux = (...args: string[]) =>
  execFileSync('tmux', ['-S', socket, '-f', '/dev/null', ...args], {
    encoding: 'utf8',
    env,
    timeout: RUN_TIMEOUT_MS,
  })

/** What the terminal shows after one run, with its colours. @throws {Error} when emr ends with another exit code */
function screenOf({ args, exitCode }: (typeof scenes)[number]): string {
  const emr = [process.execPath, program, ...args].map((word) => `'${word}'`).join(' ')
  const script = join(home, 'scene.sh')
  writeFileSync(
    script,
    [
      `printf '%s\\n' '$ npx emr ${args.join(' ')}'`,
      `${emr}; echo $? > '${home}/code'`,
      `tmux -S '${socket}' wait-for -S ended`,
      // The pane lasts as long as its program.
      'exec sleep 600',
    ].join('\n'),
  )
  tmux('new-session', '-d', '-x', String(COLUMNS), '-y', String(ROWS), '-c', project, `sh '${script}'`)
  tmux('wait-for', 'ended')
  // -J joins the lines that the terminal has wrapped: they are wrapped again once the path is shorter.
  const screen = tmux('capture-pane', '-p', '-e', '-J', '-S', '-')
  tmux('kill-server')
  const ended = Number(readFileSync(join(home, 'code'), 'utf8'))
  if (ended !== exitCode) throw new Error(`emr ${args.join(' ')} ended with ${ended}:\n${screen}`)
  return screen.trimEnd().replaceAll(home, '~')
}

try {
  mkdirSync(project)
  for (const file of ['emr.config.yaml', 'smoke-tests.yaml']) cpSync(join(root, file), join(project, file))
  symlinkSync(join(root, 'helm'), join(project, 'helm'))
  for (const scene of scenes) {
    const { title, description } = scene
    const svg = terminalSvg(screenOf(scene), { title, description, columns: COLUMNS })
    writeFileSync(join(root, 'docs', scene.picture), svg)
  }
} finally {
  spawnSync('tmux', ['-S', socket, 'kill-server'])
  spawnSync(process.execPath, [program, 'sandbox', 'stop'], { cwd: project })
  rmSync(home, { recursive: true, force: true })
}
