import type { Output } from '../../adapters/terraform/terraform.ts'
import type { Environment } from '../../domain/environment.ts'
import { EmrError, ExitCode } from '../../errors.ts'

/**
 * The services must go to the cluster and the namespace that were just applied, not to others that the configuration
 * names: the roles of their pods trust that namespace alone.
 * @throws {EmrError} CLUSTER_MISMATCH or NAMESPACE_MISMATCH (4) with the setting to change
 */
export function assertAgreement(
  { name, cluster, namespace }: Pick<Environment, 'name' | 'cluster' | 'namespace'>,
  outputs: Record<string, Output>,
): void {
  const configured = [
    { what: 'cluster', output: 'cluster_name', named: cluster.kind === 'eks' ? cluster.name : undefined },
    { what: 'namespace', output: 'namespace', named: namespace },
  ]
  for (const { what, output, named } of configured) {
    const applied = outputs[output]?.value
    if (applied === undefined || named === undefined || applied === named) continue
    const setting = what === 'cluster' ? 'cluster.eks' : what
    throw new EmrError(
      `The infrastructure of ${name} is made for the ${what} ${applied}, but its configuration names ${named}`,
      {
        code: `${what.toUpperCase()}_MISMATCH`,
        exitCode: ExitCode.preflight,
        suggestions: [`set environments.${name}.${setting}: ${applied}`],
      },
    )
  }
}
