import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'

/** What a program takes, from Linux's /proc. */
export interface Load {
  /** Milliseconds from its start to its first full picture. */
  firstPicture: number
  /** Share of one processor, after the first picture. */
  cpu: number
  /** Bytes: the most that it ever held. */
  memory: number
}

/** Of /proc/PID/stat, in a second. */
const TICKS = 100

/** What a running process takes from now on. */
export async function loadOf(pid: number, windowMs: number): Promise<Omit<Load, 'firstPicture'>> {
  const [ticks, since] = [ticksOf(pid), performance.now()]
  await delay(windowMs)
  const cpu = (ticksOf(pid) - ticks) / TICKS / ((performance.now() - since) / 1000)
  const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return { cpu, memory: Number(kilobytes) * 1024 }
}

/** Runs a client until it has written its first picture, measures it, and ends it. @param lines of that picture */
export async function runClient(
  command: { file: string; args: string[] },
  lines: number,
  windowMs: number,
): Promise<Load> {
  const before = performance.now()
  const child = spawn(command.file, command.args, { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    let seen = 0
    await new Promise<void>((resolve, reject) => {
      child.on('exit', (code) => reject(new Error(`${command.file} ended with ${code}`)))
      child.stdout.on('data', (chunk: Buffer) => {
        for (const byte of chunk) if (byte === 10) seen += 1
        if (seen >= lines) resolve()
      })
    })
    const firstPicture = performance.now() - before
    return { firstPicture, ...(await loadOf(child.pid ?? 0, windowMs)) }
  } finally {
    child.removeAllListeners('exit')
    child.kill('SIGKILL')
  }
}

/** User and system time. The name of the program may hold spaces and brackets. */
function ticksOf(pid: number): number {
  const [, rest = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(/\) (.*)/s)
  const fields = rest.split(' ')
  return Number(fields[11]) + Number(fields[12])
}
