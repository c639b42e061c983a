import { userInfo } from 'node:os'

/** Who runs this process; a container may run as a number that has no name. */
export function userName(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? 'unknown')
  }
}
