import { readFileSync } from 'node:fs'

/** True while a process runs; one that has ended but was not waited for (a zombie) does not. */
export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
