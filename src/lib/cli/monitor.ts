import { formatDuration } from '../domain/duration.ts'
import type { Change, MonitorEvent } from '../domain/monitor/changes.ts'
import type { Picture } from '../domain/monitor/picture.ts'
import { timestamp } from '../domain/timestamp.ts'
import { EmrError, ExitCode } from '../errors.ts'
import { changeLine, pictureView } from '../output/monitor-view.ts'
import { stdoutTheme } from '../output/theme.ts'
import { keepYoungGenerationSmall } from '../process/memory.ts'
import { follow, type Goal, isWhole, look } from '../workflows/monitor.ts'
import type { CommandContext, Report } from './base-command.ts'
import { reachCluster } from './diagnose.ts'
import { usageError } from './flags.ts'
import { type LiveSight, liveSight } from './monitor-sight.ts'
import { openSession, type Session, type SessionFlags } from './session.ts'
import { writeJsonLine, writeLine } from './stdout.ts'

export interface MonitorFlags extends SessionFlags {
  watch: boolean
  until: string | undefined
  timeout: number | undefined
  plain: boolean
  output: string
  json?: boolean
}

const EXIT = {
  healthy: ExitCode.ok,
  progressing: ExitCode.failed,
  unhealthy: ExitCode.failed,
  unknown: ExitCode.preflight,
}
const UNTIL_MS = 600_000
/** A quiet CI log looks like a hung one. */
const HEARTBEAT_MS = 30_000
/** For a part that does not answer, one picture is not held up longer. */
const ONCE_MS = 15_000

/** `emr monitor`: one picture, or one after the other. */
export async function runMonitor(
  flags: MonitorFlags,
  context: CommandContext,
): Promise<Report<Picture | object>> {
  const live = flags.watch || flags.until !== undefined
  const goal = goalOf(flags)
  if (flags.json && live)
    throw usageError('--json gives one document, and this has no end', ['--output ndjson'])
  if (live) keepYoungGenerationSmall()
  const terminal =
    process.stdout.isTTY && process.stdin.isTTY && process.env.TERM !== 'dumb' && !process.env.CI
  const session = await openSession(flags, context.signal)
  if (live && terminal && !flags.plain && flags.output === 'text') {
    const { runDashboard } = await import('./monitor-dashboard.ts')
    return conclude(session, goal, await runDashboard(session, goal))
  }
  const client = await reachCluster(session)
  const stop = new AbortController()
  const sight = liveSight(session, client, AbortSignal.any([context.signal, stop.signal]))
  try {
    if (live) return conclude(session, goal, await printChanges(session, sight, flags.output, goal))
    return await onePicture(sight)
  } finally {
    stop.abort()
    client.close()
  }
}

async function onePicture(sight: LiveSight): Promise<Report<Picture>> {
  const late = AbortSignal.any([sight.signal, AbortSignal.timeout(ONCE_MS)])
  while (!isWhole(look(sight)) && !late.aborted) await sight.changed(late)
  sight.signal.throwIfAborted()
  const picture = look(sight)
  return { document: picture, text: pictureView(picture, stdoutTheme), exitCode: EXIT[picture.health] }
}

/** @returns whether the goal was met */
async function printChanges(
  { environment }: Session,
  sight: LiveSight,
  output: string,
  goal: Goal | undefined,
): Promise<boolean> {
  const signal = goal ? AbortSignal.any([sight.signal, AbortSignal.timeout(goal.timeout)]) : sight.signal
  let health = 'reaching the cluster'
  const beat = () => writeLine(`${timestamp(Date.now())} ${environment.name}: still ${health}`)
  const heartbeat = setInterval(() => void (output === 'text' && beat()), HEARTBEAT_MS)
  let first = true
  const print = async (picture: Picture, changes: Change[]) => {
    health = picture.health
    heartbeat.refresh()
    if (output === 'text') for (const change of changes) await writeLine(changeLine(change, picture.at))
    else for (const event of eventsOf(picture, changes, first)) await writeJsonLine(event)
    first = false
  }
  try {
    const met = await follow({ ...sight, signal }, print, goal?.isMet)
    sight.signal.throwIfAborted()
    return met
  } finally {
    clearInterval(heartbeat)
  }
}

function eventsOf(picture: Picture, changes: Change[], first: boolean): MonitorEvent[] {
  if (first) return [{ type: 'picture', ...picture }]
  return changes.map((change) => ({ type: 'change', at: picture.at, ...change }))
}

function goalOf({ until, timeout = UNTIL_MS }: MonitorFlags): Goal | undefined {
  return until === undefined ? undefined : { isMet: ({ health }) => health === until, timeout }
}

function conclude({ environment }: Session, goal: Goal | undefined, met: boolean): Report<object> {
  if (goal === undefined || met) return { document: {}, text: '' }
  throw new EmrError(`Not healthy within ${formatDuration(goal.timeout)}`, {
    code: 'MONITOR_TIMED_OUT',
    exitCode: ExitCode.timeout,
    suggestions: [`emr diagnose ${environment.name}`],
  })
}
