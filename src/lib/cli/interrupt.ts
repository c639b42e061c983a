import { InterruptedError } from '../errors.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export interface Interrupt {
  /** Aborted when the user or the CI system asks the command to stop; its reason is an InterruptedError. */
  signal: AbortSignal
  /** Stops listening. */
  release: () => void
}

let current: Interrupt | undefined

/**
 * The one interrupt of this process, from its first moment on: a Ctrl-C that comes before the command is loaded stops
 * it too. The first signal asks everything to stop cleanly; a second one, whatever its kind, ends the process at once:
 * CI systems send SIGINT, then SIGTERM after 7.5 s, then SIGKILL after 2.5 s more.
 * @param onSecond called before the process ends, to say what that leaves behind
 */
export function processInterrupt(onSecond: (error: InterruptedError) => void = () => undefined): Interrupt {
  current ??= listen(onSecond)
  return current
}

function listen(onSecond: (error: InterruptedError) => void): Interrupt {
  const controller = new AbortController()
  const listener = (name: NodeJS.Signals) => {
    if (!controller.signal.aborted) {
      controller.abort(new InterruptedError(`Interrupted by ${name}`))
      return
    }
    onSecond(new InterruptedError('Stopped at once; the next run cleans up'))
    process.exit(130)
  }
  for (const name of SIGNALS) process.on(name, listener)
  return {
    signal: controller.signal,
    release: () => {
      current = undefined
      for (const name of SIGNALS) process.off(name, listener)
    },
  }
}
