import { Args, Flags } from '@oclif/core'
import { DURATION_PATTERN, formatDuration, parseDuration } from '../domain/duration.ts'
import { EmrError, ExitCode } from '../errors.ts'

/** A duration such as 30s or 10m; the parsed value is in milliseconds. `min` refuses what is shorter. */
export const durationFlag = Flags.custom<number, { min?: number }>({
  parse: async (text, _context, { min = 0 }) => {
    const ms = parseDuration(text)
    if (ms === undefined) {
      throw usageError(`'${text}' is no duration; write 30s, 10m or 1h30m (${DURATION_PATTERN.source})`)
    }
    if (ms < min) throw usageError(`'${text}' is too short; the least is ${formatDuration(min)}`)
    return ms
  },
})

export const environmentArg = Args.string({
  description: 'environment to work on (default: EMR_ENVIRONMENT, then defaultEnvironment)',
})

/** `[ENVIRONMENT] [SERVICE]`, for openTarget. */
export const targetArgs = {
  environment: environmentArg,
  service: Args.string({ description: 'only this service (default: all)' }),
}

export const environmentFlag = Flags.string({
  char: 'e',
  summary: 'environment, instead of the argument',
  helpValue: 'NAME',
})

export function usageError(message: string, suggestions: string[] = []): EmrError {
  return new EmrError(message, { code: 'USAGE', exitCode: ExitCode.usage, suggestions })
}
