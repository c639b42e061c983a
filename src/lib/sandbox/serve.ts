import { mkdirSync } from 'node:fs'
import { stopSandboxDatabase } from './database.ts'
import { instanceFiles } from './instance.ts'
import { takeLock } from './lock.ts'
import { SandboxServer } from './sandbox-server.ts'

/**
 * The sandbox's server process: API, controllers and ingress, until it is told to stop, gets SIGTERM or SIGINT, or is
 * idle for long enough. Returns at once where another process already serves this folder. The caller ends the
 * process when this returns.
 */
export async function serveSandbox(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const release = takeLock(instanceFiles(folder).lock)
  if (!release) return
  const server = await SandboxServer.start(folder)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => server.stop())
  await server.stopped
  await stopSandboxDatabase(folder)
  release()
}
