import type { Release } from '../render.ts'
import * as ingress from './ingress.ts'
import * as network from './network.ts'
import * as references from './references.ts'
import * as secrets from './secrets.ts'
import * as security from './security.ts'
import * as workload from './workload.ts'

/** Judges one release; each line it returns is a violation. */
export type Policy = (release: Release) => string[]

/** Every policy, by name: all that these files export. */
export const policies = {
  ...workload,
  ...references,
  ...security,
  ...secrets,
  ...network,
  ...ingress,
} satisfies Record<string, Policy>

export type PolicyName = keyof typeof policies

/** The violations of a release, by the name of the policy; empty when all is well. */
export function violations(release: Release): Partial<Record<PolicyName, string[]>> {
  const found = Object.entries(policies).map(([name, policy]) => [name, policy(release)] as const)
  return Object.fromEntries(found.filter(([, faults]) => faults.length > 0))
}
