import { execFile } from 'node:child_process'
import { loadClusterAccess } from '../../src/lib/adapters/kubernetes/kubeconfig.ts'
import { KubernetesTransport } from '../../src/lib/adapters/kubernetes/transport.ts'
import { EmrError } from '../../src/lib/errors.ts'
import { ProcessRunner } from '../../src/lib/process/runner.ts'
import type { Identity } from './identity-server.ts'

/** What came of a request: whom the server saw, or what kind of failure there was. */
export type Outcome = Identity | { failure: Failure }
type Failure = 'kubeconfig' | 'credentials' | 'connection' | 'unauthorized' | 'forbidden' | string

export interface Answer {
  outcome: Outcome
  /** What it says, for whoever reads a failing test. */
  words: string
}

export interface Asked {
  kubeconfig: string
  path: string
  environment: Record<string, string>
}

/** How long a plugin may take that never ends. */
const HANGING_MS = 1_500

/** `kubectl get --raw`, as nobody's terminal. */
export function askWithKubectl(kubectl: string, { kubeconfig, path, environment }: Asked): Promise<Answer> {
  const args = ['--kubeconfig', kubeconfig, '--context', 'c', 'get', '--raw', path]
  const env = { PATH: process.env.PATH, HOME: '/nonexistent', ...environment }
  return new Promise((resolve) => {
    const child = execFile(kubectl, args, { env, timeout: HANGING_MS * 2 }, (error, stdout, stderr) => {
      if (error === null) return resolve({ outcome: JSON.parse(stdout), words: '' })
      resolve({ outcome: { failure: error.killed ? 'credentials' : kindOf(stderr) }, words: stderr.trim() })
    })
    child.stdin?.end()
  })
}

/** What kubectl says to each kind of failure. */
function kindOf(stderr: string): Failure {
  const kinds: [RegExp, Failure][] = [
    [/getting credentials|executable .* (not found|failed)/, 'credentials'],
    [/must be logged in|Unauthorized/, 'unauthorized'],
    [/Unable to connect to the server|connection .* was refused/, 'connection'],
    [/Error from server \(Forbidden\)/, 'forbidden'],
    [/^(?:Please enter Username: )?error: |^Error in configuration/im, 'kubeconfig'],
  ]
  return kinds.find(([pattern]) => pattern.test(stderr))?.[1] ?? stderr
}

const CODES: Record<string, Failure> = {
  KUBECONFIG_INVALID: 'kubeconfig',
  CREDENTIALS_FAILED: 'credentials',
  CLUSTER_UNREACHABLE: 'connection',
  CLUSTER_UNAUTHORIZED: 'unauthorized',
  CLUSTER_FORBIDDEN: 'forbidden',
}

/** The same request by emr's own client. */
export async function askWithEmr({ kubeconfig, path, environment }: Asked): Promise<Answer> {
  let transport: KubernetesTransport | undefined
  try {
    const access = await loadClusterAccess(kubeconfig, 'c', new ProcessRunner(), {
      environment,
      isTerminal: false,
      pluginMs: HANGING_MS,
    })
    transport = new KubernetesTransport(access)
    return { outcome: await transport.json<Identity>('GET', path, { attempts: 1 }), words: '' }
  } catch (error) {
    if (!(error instanceof EmrError)) throw error
    return { outcome: { failure: CODES[error.code ?? ''] ?? `${error.code}` }, words: error.message }
  } finally {
    transport?.close()
  }
}
