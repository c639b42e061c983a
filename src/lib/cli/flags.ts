import { Args, Flags } from '@oclif/core'
import { formatDuration, parseDuration } from '../domain/duration.ts'
import { EmrError, ExitCode } from '../errors.ts'

/** A duration such as 30s or 10m; the parsed value is in milliseconds. `min` refuses what is shorter. */
export const durationFlag = Flags.custom<number, { min?: number }>({
  parse: async (text, _context, { min = 0 }) => {
    const ms = parseDuration(text)
    if (ms === undefined) {
      throw usageError(`'${text}' is no duration; write 30s, 10m or 1h30m`)
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

/** Of each operation on one service. */
export const operationFlags = {
  timeout: durationFlag({
    summary: 'limit of the whole operation, for example 10m (default: from the configuration, 15m)',
    helpValue: 'DURATION',
    min: 1_000,
  }),
  'wait-lock': durationFlag({
    summary: 'how long to wait for another operation on the environment to end (default: not at all)',
    helpValue: 'DURATION',
  }),
  yes: Flags.boolean({ char: 'y', summary: 'answer yes where the environment is not protected' }),
  confirm: Flags.string({ summary: 'name of the environment, in place of typing it', helpValue: 'NAME' }),
}

export function usageError(message: string, suggestions: string[] = []): EmrError {
  return new EmrError(message, { code: 'USAGE', exitCode: ExitCode.usage, suggestions })
}
