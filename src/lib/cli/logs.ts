import { NamespaceLogs } from '../adapters/kubernetes/namespace-logs.ts'
import { EmrError, ExitCode, messageOf } from '../errors.ts'
import { printNote } from '../output/door.ts'
import { logLine } from '../output/log-view.ts'
import { stdoutTheme } from '../output/theme.ts'
import { followLogs, type LogEntry, type LogsPorts, type LogsRequest, readLogs } from '../workflows/logs.ts'
import type { CommandContext, Report } from './base-command.ts'
import { reachCluster } from './diagnose.ts'
import { usageError } from './flags.ts'
import type { Session } from './session.ts'
import { writeJsonLine, writeLine } from './stdout.ts'
import { openScope, type TargetFlags } from './target.ts'

export interface LogsFlags extends TargetFlags {
  follow: boolean
  previous: boolean
  since: number | undefined
  tail: number | undefined
  container: string | undefined
  grep: string | undefined
  source: string
  unmasked: boolean
  output: string
  json?: boolean
}

const TAIL = 100

export interface LogsDocument {
  environment: string
  entries: LogEntry[]
}

/** `emr logs`: to its end, or until it is stopped. */
export async function runLogs(flags: LogsFlags, context: CommandContext): Promise<Report<LogsDocument>> {
  if (flags.json && (flags.follow || flags.output === 'ndjson')) {
    throw usageError('--json gives one document, and this has no end', ['--output ndjson'])
  }
  const request = requestOf(flags)
  const { session, service } = await openScope(flags, context.signal)
  const print = (entry: LogEntry) =>
    flags.output === 'ndjson' ? writeJsonLine(entry) : writeLine(logLine(entry, stdoutTheme))
  const environment = session.environment.name
  if (flags.unmasked) await recordUnmasked(session, service)
  if (flags.source !== 'pods') {
    if (flags.follow)
      throw usageError('--follow is for pods: CloudWatch is read to its end', ['leave out --source'])
    const { readLogGroup } = await import('./log-groups.ts')
    return shown(environment, await readLogGroup(session, flags.source, request), print, flags)
  }
  const client = await reachCluster(session)
  const ports = {
    logs: new NamespaceLogs(client, session.environment.namespace, service),
    signal: context.signal,
  }
  try {
    if (flags.container !== undefined) await assertContainer(ports, flags.container, service ?? environment)
    if (flags.follow) {
      await followLogs(ports, request, print)
      context.signal.throwIfAborted()
      return { document: { environment, entries: [] }, text: '' }
    }
    return await shown(environment, readLogs(ports, request), print, flags)
  } finally {
    client.close()
  }
}

async function shown(
  environment: string,
  found: Iterable<LogEntry> | AsyncIterable<LogEntry>,
  print: (entry: LogEntry) => Promise<void>,
  { json }: LogsFlags,
): Promise<Report<LogsDocument>> {
  const entries: LogEntry[] = []
  let count = 0
  for await (const entry of found) {
    count += 1
    if (json) entries.push(entry)
    else await print(entry)
  }
  // A filter that fits nothing gives the same silence as quiet pods.
  if (count === 0) printNote('No log line fits what was asked for')
  return { document: { environment, entries }, text: '' }
}

/** A name that no container has would be followed in silence for ever. */
async function assertContainer({ logs, signal }: LogsPorts, container: string, owner: string): Promise<void> {
  const known = await logs.containers(signal)
  if (known.length === 0 || known.includes(container)) return
  throw usageError(`No pod of ${owner} has a container '${container}'`, [
    `the containers are: ${known.join(', ')}`,
  ])
}

function requestOf(flags: LogsFlags): LogsRequest {
  const { previous, since, tail, container, grep, unmasked, follow } = flags
  // Of what is followed since a moment, no line of that time may be missing.
  const standard = since === undefined || !follow ? TAIL : -1
  const lines = tail ?? standard
  return {
    previous,
    sinceMs: since,
    tail: lines < 0 ? undefined : lines,
    container,
    grep: grep === undefined ? undefined : expressionOf(grep),
    unmasked,
    wholeLines: flags.json === true || flags.output === 'ndjson',
  }
}

function expressionOf(text: string): RegExp {
  try {
    return new RegExp(text)
  } catch (error) {
    throw usageError(`--grep is no regular expression: ${messageOf(error)}`, [
      `--grep '${text.replaceAll(/[[({*+?\\]/g, '\\$&')}'`,
    ])
  }
}

/** Whoever looks at data of patients leaves a record of it first; without one, they are not shown. */
async function recordUnmasked(session: Session, service: string | undefined): Promise<void> {
  const [{ reachEnvironment }, { actorOf }] = await Promise.all([
    import('./environment-access.ts'),
    import('./actor.ts'),
  ])
  const { audit, ports } = await reachEnvironment(session)
  const by = await actorOf(session)
  const startedAt = new Date().toISOString()
  const request = { services: service === undefined ? [] : [service], unmasked: true }
  const entry = { id: ports.id, operation: 'logs', by, startedAt, durationMs: 0, request, outcome: 'done' }
  try {
    await audit.append(entry, session.signal)
  } catch (error) {
    throw new EmrError(`Unmasked logs are shown only where that can be recorded: ${messageOf(error)}`, {
      code: 'AUDIT_FAILED',
      exitCode: ExitCode.preflight,
      suggestions: ['leave out --unmasked'],
      cause: error,
    })
  }
}
