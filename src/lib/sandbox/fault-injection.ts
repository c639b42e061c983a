import { EmrError, ExitCode } from '../errors.ts'
import type { ApiFaults, ApiFaultsInput } from './api/faults.ts'
import { adminOf } from './lifecycle.ts'

/** Makes a running sandbox's API misbehave towards outside clients; its own controllers are spared. */
export interface FaultInjection {
  /** Replaces the faults in force. */
  set(faults: ApiFaultsInput): Promise<ApiFaults>
  clear(): Promise<void>
  /** Ends all open watches and followed logs. @returns how many */
  dropWatches(): Promise<number>
  /** Refuses new connections and breaks the open ones, for so many seconds. */
  silence(seconds: number): Promise<void>
  close(): void
}

/** @throws {EmrError} SANDBOX_NOT_RUNNING (exit 1) where the folder holds no sandbox */
export function injectFaults(folder: string): FaultInjection {
  const client = adminOf(folder)
  if (!client) {
    throw new EmrError('The sandbox is not running', {
      code: 'SANDBOX_NOT_RUNNING',
      exitCode: ExitCode.failed,
      suggestions: ['emr sandbox start'],
    })
  }
  return {
    set: (faults) => client.json('PUT', '/sandbox/faults', { body: faults }),
    clear: async () => {
      await client.json('DELETE', '/sandbox/faults')
    },
    dropWatches: async () => {
      const { dropped } = await client.json<{ dropped: number }>('POST', '/sandbox/drop-watches')
      return dropped
    },
    silence: async (seconds) => {
      await client.json('POST', '/sandbox/silence', { query: { seconds } })
    },
    close: () => client.close(),
  }
}
