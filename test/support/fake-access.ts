import type { EnvironmentAccess } from '../../src/lib/cli/environment-access.ts'
import type { AuditEntry } from '../../src/lib/domain/release/audit.ts'
import type { ReleaseSet } from '../../src/lib/domain/release/release-set.ts'
import type { DeployPorts } from '../../src/lib/workflows/deploy/types.ts'

/** The records and the lock of an environment, in memory. */
export class FakeRecords {
  readonly sets: ReleaseSet[] = []
  readonly entries: AuditEntry[] = []
  /** Id of the operation that holds the lock. */
  holder: string | undefined
  readonly lost = new AbortController()

  access(ports: DeployPorts): EnvironmentAccess {
    const { environment, signal } = ports
    const session = {
      environment,
      signal,
      config: { file: '/nowhere/emr.config.yaml' },
      runner: { run: async () => ({ exitCode: 0, stdout: 'c0ffee\n', stderr: '' }) },
    }
    return {
      ports,
      session: session as unknown as EnvironmentAccess['session'],
      client: {} as EnvironmentAccess['client'],
      kubeconfig: '/nowhere/kubeconfig',
      lock: this.#lock(),
      sets: {
        list: async () => structuredClone(this.sets),
        begin: async (set) => void this.sets.push(structuredClone(set)),
        update: async (set) => {
          this.sets[this.sets.findIndex(({ id }) => id === set.id)] = structuredClone(set)
        },
      },
      audit: {
        entries: async () => this.entries,
        append: async (facts) => {
          const entry = { ...facts, sequence: this.entries.length + 1, previous: '', hash: '' }
          this.entries.push(entry)
          return entry
        },
      },
    }
  }

  #lock(): EnvironmentAccess['lock'] {
    return {
      lost: this.lost.signal,
      acquire: async ({ id }) => {
        this.holder = id
      },
      confirm: async () => this.lost.signal.throwIfAborted(),
      release: async () => {
        this.holder = undefined
      },
      status: async () => ({ holder: undefined, freeze: undefined, head: undefined }),
      freeze: async () => undefined,
      unfreeze: async () => undefined,
    }
  }
}
