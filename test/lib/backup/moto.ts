import { spawn, spawnSync } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '../../support/ports.ts'

/** True where a suite that needs the emulator can run; on CI a missing one is a failure, not a reason to skip. */
export const hasMoto =
  Boolean(process.env.CI) || spawnSync('python3', ['-c', 'import moto.server, flask']).status === 0

/** The AWS emulator moto on a free port. */
export async function startMoto(): Promise<{ endpoint: string; stop: () => Promise<void> }> {
  const port = await freePort()
  const child = spawn('python3', ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)], {
    stdio: 'ignore',
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const endpoint = `http://127.0.0.1:${port}`
  while (
    !(await fetch(`${endpoint}/moto-api/`).then(
      ({ ok }) => ok,
      () => false,
    ))
  ) {
    if (child.exitCode !== null) throw new Error('moto did not start: pip install "moto[server]"')
    await delay(50)
  }
  return {
    endpoint,
    stop: async () => {
      child.kill()
      await ended
    },
  }
}
