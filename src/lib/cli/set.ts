import { settingsOf } from '../domain/set-language.ts'
import type { DeployPlan, DeployResult } from '../workflows/deploy/types.ts'
import type { CommandContext, Report } from './base-command.ts'
import { deployServices, type ReleaseFlags } from './deploy.ts'
import { usageError } from './flags.ts'
import { openTarget, type TargetFlags } from './target.ts'

export type SetFlags = TargetFlags &
  Pick<
    ReleaseFlags,
    'dry-run' | 'timeout' | 'wait-lock' | 'skip-smoke-tests' | 'rollback' | 'yes' | 'confirm'
  >

/** `emr set ENV SERVICE KEY=VALUE...`: an update that keeps every other value of the release. */
export async function runSet(
  flags: SetFlags,
  context: CommandContext,
): Promise<Report<DeployPlan | DeployResult>> {
  const words = flags.words.filter((word) => !word.includes('='))
  const change = changeOf(flags.words.filter((word) => word.includes('=')))
  const { session, service, rest } = await openTarget({ ...flags, words }, context.signal)
  if (service === undefined || rest.length > 0 || Object.keys(change).length === 0) {
    throw usageError('One service is named, and what to set in it', [
      `emr set ${session.environment.name} ${service ?? 'SERVICE'} config.rateLimit.max=200`,
    ])
  }
  const given = { tag: undefined, concurrency: undefined, 'detailed-exitcode': false, resume: false }
  const report = await deployServices(session, { ...flags, ...given, services: [service], change }, context)
  const kept = 'The next deploy takes the values files again: write it there too to keep it.'
  return { ...report, text: [report.text, `  ${kept}`].join('\n') }
}

function changeOf(texts: string[]): Record<string, string> {
  const change = new Map<string, string>()
  for (const text of texts) {
    const settings = settingsOf(text)
    if (typeof settings === 'string') {
      throw usageError(`'${text}' cannot be set: ${settings}`, ['config.rateLimit.max=200'])
    }
    for (const { key, value } of settings) {
      if (change.has(key)) throw usageError(`${key} is set twice`)
      change.set(key, value)
    }
  }
  return Object.fromEntries(change)
}
