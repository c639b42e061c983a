import type { Output } from '../adapters/terraform/terraform.ts'
import { EmrError, ExitCode } from '../errors.ts'
import { table } from '../output/table.ts'
import { stdoutTheme as theme } from '../output/theme.ts'
import { masked } from '../workflows/infrastructure/apply.ts'
import { assertReady } from '../workflows/infrastructure/preflight.ts'
import { initialise } from '../workflows/infrastructure/prepare.ts'
import type { CommandContext, Report } from './base-command.ts'
import { withInfrastructurePorts } from './infrastructure-ports.ts'
import { openSession, type SessionFlags } from './session.ts'

interface Outputs {
  environment: string
  outputs: Record<string, Output>
}

/** `emr outputs`: what the infrastructure says of itself; sensitive values stay in the state. */
export async function runOutputs(flags: SessionFlags, { signal }: CommandContext): Promise<Report<Outputs>> {
  const session = await openSession(flags, signal)
  return withInfrastructurePorts(session, async (ports) => {
    await assertReady(ports)
    await initialise(ports)
    const outputs = masked(await ports.terraform.output({ signal }))
    const { name } = ports.environment
    if (Object.keys(outputs).length === 0) {
      throw new EmrError(
        `The infrastructure of ${name} has no outputs: nothing was applied yet, or the module declares none`,
        {
          code: 'NO_OUTPUTS',
          exitCode: ExitCode.failed,
          suggestions: [`emr deploy ${name} --skip-services`],
        },
      )
    }
    return { document: { environment: name, outputs }, text: outputsText(outputs) }
  })
}

function outputsText(outputs: Record<string, Output>): string {
  const rows = Object.entries(outputs).flatMap(([name, { value, sensitive }]) => {
    if (sensitive) return [[name, theme.faint('(sensitive)')]]
    if (typeof value !== 'object' || value === null) return [[name, String(value)]]
    return Object.entries(value).map(([key, item]) => [
      `${name}.${key}`,
      typeof item === 'string' ? item : JSON.stringify(item),
    ])
  })
  return table(['OUTPUT', 'VALUE'], rows)
}
