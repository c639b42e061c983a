import type { KubernetesClient } from '../../../src/lib/adapters/kubernetes/client.ts'
import type { ApiFaultsInput } from '../../../src/lib/sandbox/api/faults.ts'
import type { SandboxSettingsInput } from '../../../src/lib/sandbox/settings.ts'

/**
 * The cluster of a project, with all that a test may do to it. There are two: the sandbox, of which every project has its
 * own, and a real control plane, in which every project has namespaces of its own. What one of them cannot do, it says by
 * `undefined`, and the tests that need it name the reason in deviations.ts.
 */
export interface Cluster {
  /** What the project's environments have as `cluster`. */
  readonly settings: object
  /** What else they have, by the name of the namespace. */
  environment(namespace: string): Promise<object>
  /** A further environment of the project, where `settings` alone cannot start the cluster. */
  readonly host?: object
  /** Whether a change of it needs an answer. */
  readonly asks: boolean
  /** The one that kubectl and helm look with, past everything that is disturbed. */
  readonly kubeconfig: string
  readonly context: string
  /** It can be asked from here on. */
  start(): Promise<void>
  faults(): ApiFaultInjection
  /** The connections of emr and its tools to the API server; there where the project was opened `linked`. */
  readonly link: Link
  /** Where it is and who may come in, for tests that reach it as EKS. */
  endpoint(): Promise<Endpoint>
  /** Of somebody who may do everything. */
  admin(): Promise<KubernetesClient>
  /** @param namespaces to be removed where the cluster stays */
  close(namespaces: string[]): Promise<void>
}

export interface ClusterOptions {
  folder: string
  /** Part of every name that a project makes. */
  unique: string
  linked: boolean
  sandbox: SandboxSettingsInput
  /** Runs emr in the project. */
  emr: (...args: string[]) => Promise<unknown>
}

/** Makes the API misbehave towards emr and its tools. */
export interface ApiFaultInjection {
  /** Replaces the faults in force. */
  set(faults: ApiFaultsInput): Promise<unknown>
  clear(): Promise<void>
  /** Ends all open watches and followed logs. */
  dropWatches(): Promise<unknown>
  /** Refuses new connections and breaks the open ones, for so many seconds. */
  silence(seconds: number): Promise<void>
  /** What happened until now is history that no watch can begin in: 410. */
  forgetHistory(namespace: string): Promise<void>
  close(): void
}

interface Link {
  /** Nothing goes through any more, and nothing ends. */
  freeze(): void
  thaw(): void
  /** @param roundTripMs milliseconds that every answer takes longer */
  delay(roundTripMs: number): void
}

export interface Endpoint {
  server: string
  /** Base64, as DescribeCluster gives it. */
  certificateAuthority: string
  token: string
}
