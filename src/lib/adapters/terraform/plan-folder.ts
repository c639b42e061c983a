import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** A place for one plan file, which holds secrets; named after this process. */
export interface PlanFolder {
  file: string
  /** Deletes the plan. */
  dispose: () => Promise<void>
}

/** Makes the folder for this process's plan, and deletes those that killed processes left behind. */
export async function openPlanFolder(parent: string): Promise<PlanFolder> {
  await mkdir(parent, { recursive: true, mode: 0o700 })
  const names = await readdir(parent)
  const left = names.filter((name) => name === String(process.pid) || !isAlive(Number(name)))
  await Promise.all(left.map((name) => rm(join(parent, name), { recursive: true, force: true })))
  const folder = join(parent, String(process.pid))
  await mkdir(folder, { mode: 0o700 })
  return {
    file: join(folder, 'tfplan'),
    dispose: () => rm(folder, { recursive: true, force: true }),
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it runs, and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
