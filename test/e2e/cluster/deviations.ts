/**
 * Why a test runs on the sandbox alone. Each key is used by at least one test; the option
 * carries it to reporters.
 */
export const SANDBOX_ONLY = {
  'sandbox-commands':
    'It tests the commands of the sandbox itself: `emr sandbox start`, `status`, `stop`, `reset`.',
  'recorded-calls':
    'It records what emr and helm ask, by a proxy that it puts in front of the kubeconfig of the sandbox.',
} as const satisfies Record<string, string>

export const onReal = process.env.EMR_E2E_CLUSTER !== undefined

declare module 'vitest' {
  interface TaskMeta {
    sandboxOnly?: string
  }
}

/** Options of a test, or a group of tests, that the real control plane cannot run. */
export function sandboxOnly(reason: keyof typeof SANDBOX_ONLY) {
  return { skip: onReal, meta: { sandboxOnly: reason } }
}
