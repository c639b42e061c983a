import { deniedOf } from '../adapters/kubernetes/access-review.ts'
import { distinctRights, RIGHTS, type Right, type RightsOf, rightText } from '../domain/rights.ts'
import { EmrError, ExitCode } from '../errors.ts'
import { printNote } from '../output/door.ts'
import { symbols, stderrTheme as theme } from '../output/theme.ts'
import type { EnvironmentAccess } from './environment-access.ts'

/**
 * Whether the identity may do all that the command does, before the first change. What only explains is a warning; what
 * not every run does is found out when it does.
 * @returns what may not be looked at
 * @throws {EmrError} RIGHTS_MISSING (4) with every right that is missing
 */
export async function assertRights(
  { client, session }: Pick<EnvironmentAccess, 'client' | 'session'>,
  command: RightsOf,
): Promise<string[]> {
  const { environment, signal } = session
  const { namespace } = environment
  const asked = distinctRights(RIGHTS[command]).filter(({ purpose, when }) => purpose === 'explain' || !when)
  const denied = await deniedOf(client, namespace, asked, signal)
  const missing = denied.filter(({ purpose }) => purpose === 'work')
  if (missing.length > 0) throw missingRights(command, namespace, missing)
  return denied.map(rightText)
}

/** What will stay unknown, where something goes wrong. */
export function noteBlind(blind: readonly string[]): void {
  if (blind.length === 0) return
  const text = `Not allowed: ${blind.join(', ')}; what these would explain stays unknown`
  printNote(`${theme.warn(symbols.warn)} ${text}`)
}

function missingRights(command: RightsOf, namespace: string, missing: Right[]): EmrError {
  const [first] = missing
  return new EmrError(`emr ${command} is not allowed to: ${missing.map(rightText).join(', ')}`, {
    code: 'RIGHTS_MISSING',
    exitCode: ExitCode.preflight,
    suggestions: [
      `apply the Role of emr ${command} in docs/rights.md to ${namespace}`,
      ...(first
        ? [`kubectl auth can-i ${first.verb} ${rightText(first).split(' ')[1]} --namespace ${namespace}`]
        : []),
    ],
    details: { missing: missing.map(rightText), namespace },
  })
}
