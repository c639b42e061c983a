import { InterruptedError } from '../errors.ts'

/**
 * Turns signals into one abort. The first asks everything to stop cleanly; a second one, whatever its kind, ends the
 * process at once: CI systems send SIGINT, then SIGTERM after 7.5 s, then SIGKILL after 2.5 s more.
 * @param onSecond called before the process ends, to say what that leaves behind
 * @returns the signal to pass on, and how to stop listening
 */
export function interruptSignal(onSecond: () => void): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController()
  const listener = (name: NodeJS.Signals) => {
    if (!controller.signal.aborted) {
      controller.abort(new InterruptedError(`Interrupted by ${name}`))
      return
    }
    onSecond()
    process.exit(130)
  }
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const name of names) process.on(name, listener)
  return {
    signal: controller.signal,
    release: () => {
      for (const name of names) process.off(name, listener)
    },
  }
}
