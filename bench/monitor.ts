/**
 * `npm run bench:monitor`: a namespace of 5,000 pods in the sandbox, 50 of them changing each second, watched by the
 * dashboard of `emr monitor --watch` in a real terminal, by `kubectl get pods -w`, and by a client that lists all pods
 * every two seconds; one after the other. Prints them side by side; exits 1 when a bound is not kept, or the load is missed.
 */
import { resolve } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { openProject } from '../test/e2e/project.ts'
import { kubectlBinary } from '../test/support/binaries.ts'
import { Terminal } from '../test/support/tmux.ts'
import { Crowd } from './monitor/crowd.ts'
import { type Load, loadOf, runClient } from './monitor/load.ts'

const root = resolve(import.meta.dirname, '..')
const PODS = 5_000
const CHANGES_PER_SECOND = 50
const WINDOW_MS = 20_000
/** Times that a change is followed to the screen. */
const MARKS = 10
const BOUNDS = { cpuToPolling: 0.5, memory: 150 * 1024 ** 2, frame: 500 }

const project = await openProject({
  environments: { bench: {} },
  services: { 'task-service': { chart: `${root}/helm/task-service` } },
  env: { EMR_ENVIRONMENT: 'bench' },
})
const crowd = new Crowd(project, 'bench')
let stop = async () => ({ changed: 0, rate: 0 })
try {
  await crowd.gather(PODS)
  process.stdout.write(`${PODS} pods are there\n`)
  stop = crowd.change(CHANGES_PER_SECOND)
  const emr = await dashboard()
  const file = await kubectlBinary('4')
  const kubeconfig = ['--kubeconfig', `${crowd.folder}/kubeconfig`, '-n', crowd.namespace]
  const kubectl = await runClient({ file, args: [...kubeconfig, 'get', 'pods', '-w'] }, PODS + 1, WINDOW_MS)
  const args = [`${root}/bench/monitor/polling.ts`, crowd.folder, crowd.namespace]
  const polling = await runClient({ file: process.execPath, args }, 1, WINDOW_MS)
  report({ emr, kubectl, polling }, await stop())
} finally {
  await stop()
  crowd.close()
  await project.close()
}

interface DashboardLoad extends Load {
  /** Milliseconds from a change to the screen, the longest of all. */
  latestFrame: number
}

async function dashboard(): Promise<DashboardLoad> {
  const terminal = new Terminal(project.folder, { EMR_ENVIRONMENT: 'bench' }, { columns: 150, rows: 45 })
  try {
    const before = performance.now()
    terminal.enter(`exec ${process.execPath} ${root}/bin/run.js monitor --watch`)
    // The autoscaler of the service adds one or two.
    await terminal.shows(/\/\d{4} pods/, 60_000)
    const firstPicture = performance.now() - before
    const pid = terminal.pid
    const measured = loadOf(pid, WINDOW_MS)
    let latestFrame = 0
    for (let mark = 0; mark < MARKS; mark += 1) {
      const changedAt = await crowd.mark(mark)
      await terminal.shows(new RegExp(`mark-${mark}-`))
      latestFrame = Math.max(latestFrame, performance.now() - changedAt)
      await delay(500)
    }
    return { ...(await measured), firstPicture, latestFrame }
  } finally {
    terminal.close()
  }
}

function report(
  loads: { emr: DashboardLoad; kubectl: Load; polling: Load },
  load: { changed: number; rate: number },
): void {
  const rows = Object.entries(loads).map(([name, { firstPicture, cpu, memory }]) => {
    const cells = [`${Math.round(firstPicture)} ms`, `${(cpu * 100).toFixed(1)} %`, megabytes(memory)]
    return [name.padEnd(8), ...cells.map((cell) => cell.padStart(12))].join('')
  })
  const { emr, polling } = loads
  const checks: [string, boolean][] = [
    [
      `CPU of emr to polling: ${(emr.cpu / polling.cpu).toFixed(2)}`,
      emr.cpu <= BOUNDS.cpuToPolling * polling.cpu,
    ],
    [`peak memory of emr: ${megabytes(emr.memory)}`, emr.memory < BOUNDS.memory],
    [`latest frame of emr: ${Math.round(emr.latestFrame)} ms`, emr.latestFrame <= BOUNDS.frame],
  ]
  const head = `${' '.repeat(8)}${['first', 'CPU', 'memory'].map((cell) => cell.padStart(12)).join('')}`
  const lines = checks.map(([text, kept]) => `${kept ? 'kept' : 'NOT KEPT'}: ${text}`)
  // Under less load the bounds say nothing.
  const isLoaded = Number(load.rate.toFixed(1)) >= CHANGES_PER_SECOND
  const rate = `${load.changed} changes, ${load.rate.toFixed(1)} of ${CHANGES_PER_SECOND} a second`
  lines.push(`${isLoaded ? 'kept' : 'MISSED'}: ${rate}`)
  process.stdout.write(`${[head, ...rows, ...lines].join('\n')}\n`)
  process.exitCode = isLoaded && checks.every(([, kept]) => kept) ? 0 : 1
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1024 ** 2)} MB`
}
