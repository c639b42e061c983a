import {
  type LiveStates,
  lastProven,
  provenStates,
  type ReleaseSet,
  type SetOutcome,
} from '../domain/release/release-set.ts'
import { EmrError, messageOf } from '../errors.ts'
import { printNote } from '../output/door.ts'
import { runTasks } from '../output/task-list.ts'
import { symbols, stderrTheme as theme } from '../output/theme.ts'
import { Journal } from '../workflows/record/journal.ts'
import { closeAbandoned } from '../workflows/record/recover.ts'
import { liveStates } from '../workflows/release-state.ts'
import { actorOf } from './actor.ts'
import type { EnvironmentAccess } from './environment-access.ts'

/** What the last records may take after an interrupt: CI systems kill 10 s after their first signal. */
const LAST_WORDS_MS = 3_000
const RECORD_MS = 60_000

/** What is known of an operation before it starts. */
export interface Assignment {
  operation: ReleaseSet['operation']
  request: ReleaseSet['request']
  planned?: Record<string, string>
  /** What the services are. */
  before: LiveStates
  /** Milliseconds to wait for the lock. */
  waitMs: number
  /** Id of the newest release set when the operation was planned. */
  newest: string | undefined
}

/** How an operation ended. */
export interface Ending<T> {
  outcome: SetOutcome
  /** The smoke tests have passed on what is there now. */
  proven?: boolean
  restored?: string
  /** Services whose pods were seen ready. */
  ready?: string[]
  failure?: string
  /**
   * Gives the result, or throws what went wrong; called when all is on record and the lock is free.
   * @param reporting what could not be written to the records
   */
  conclude: (reporting: string[]) => T
}

/**
 * Runs one operation on the releases of an environment: alone, fenced, journalled and audited. What a killed
 * operation left open is closed first, and said.
 * @param work gets whether another operation has come between its planning and the lock
 * @throws {EmrError} LOCKED, FROZEN, LOCK_LOST (8)
 */
export async function operate<T>(
  access: EnvironmentAccess,
  assignment: Assignment,
  work: (journal: Journal, overtaken: boolean) => Promise<Ending<T>>,
): Promise<T> {
  const { lock, ports } = access
  const { by, overtaken, base } = await begin(access, assignment)
  const journal = new Journal(
    { sets: access.sets, confirm: () => lock.confirm(), now: ports.now },
    { ...record(access, assignment), by },
  )
  let ending: Ending<T>
  try {
    await journal.begin(ports.signal)
    ending = await work(journal, overtaken)
  } catch (error) {
    ending = {
      outcome: ports.signal.aborted ? 'interrupted' : 'failed',
      failure: messageOf(error).split('\n')[0],
      conclude: () => {
        throw error
      },
    }
  }
  const problems = await close(access, journal, ending, base)
  for (const problem of problems) printNote(`${theme.warn(symbols.warn)} ${problem}`)
  if (lock.lost.aborted) throw lossWith(lock.lost.reason, ending)
  return ending.conclude(problems)
}

/** That the lock was lost, with what had been done by then. */
function lossWith(loss: unknown, { conclude }: Ending<unknown>): unknown {
  if (!(loss instanceof EmrError)) return loss
  const { code, exitCode, suggestions, message } = loss
  try {
    return new EmrError(message, { code, exitCode, suggestions, details: Object(conclude([])) })
  } catch (ending) {
    const { details } = ending instanceof EmrError ? ending : { details: {} }
    const lines =
      ending === loss
        ? [message]
        : [
            message,
            ...messageOf(ending)
              .split('\n')
              .map((line) => `  ${line.trim()}`),
          ]
    return new EmrError(lines.join('\n'), { code, exitCode, suggestions, details })
  }
}

/** Takes the lock, and closes what others have left open. */
async function begin(access: EnvironmentAccess, { operation, waitMs, newest }: Assignment) {
  const { lock, ports, sets, session } = access
  const by = await actorOf(session)
  const found = { notices: [] as string[], overtaken: false, base: undefined as ReleaseSet | undefined }
  try {
    await runTasks([
      {
        title: `Lock ${session.environment.name}`,
        task: async (_context, task) => {
          const holder = { id: ports.id, operation, by: by.name, ...(by.run && { run: by.run }) }
          const onWait = (text: string) => {
            if (task.output !== text) task.output = text
          }
          await lock.acquire(holder, { waitMs, signal: ports.signal, onWait })
          const known = await sets.list(ports.signal)
          found.base = lastProven(known)
          found.notices = await closeAbandoned({ ...ports, sets, audit: access.audit }, known)
          found.overtaken = known.at(-1)?.id !== newest || found.notices.length > 0
        },
      },
    ])
  } catch (error) {
    await lock.release(AbortSignal.timeout(LAST_WORDS_MS)).catch(() => undefined)
    throw error
  }
  for (const notice of found.notices) printNote(`${theme.warn(symbols.warn)} ${notice}`)
  return { by, overtaken: found.overtaken, base: found.base }
}

function record(
  { ports, session }: EnvironmentAccess,
  { operation, request, planned, before }: Assignment,
): Omit<ReleaseSet, 'by'> {
  return {
    id: ports.id,
    operation,
    environment: session.environment.name,
    startedAt: new Date(ports.now()).toISOString(),
    outcome: 'running',
    request,
    ...(planned && { planned }),
    phases: [],
    services: Object.fromEntries(Object.entries(before).map(([name, state]) => [name, { before: state }])),
  }
}

/**
 * The audit log first, then the record, then the lock: the next operation closes what is interrupted in between. Never
 * throws: the operation has ended as it has.
 * @returns what could not be written
 */
async function close<T>(
  access: EnvironmentAccess,
  journal: Journal,
  ending: Ending<T>,
  base: ReleaseSet | undefined,
): Promise<string[]> {
  const { lock, ports, audit, session } = access
  if (lock.lost.aborted) return []
  const { outcome, conclude: _, ready = [], ...facts } = ending
  const { id, operation, by, startedAt, request, services } = journal.set
  const signal = AbortSignal.timeout(session.signal.aborted ? LAST_WORDS_MS : RECORD_MS)
  const problems = [...journal.problems]
  const attempt = async <R>(what: string, write: () => Promise<R>): Promise<R | undefined> => {
    try {
      return await write()
    } catch (error) {
      problems.push(`${what}: ${messageOf(error)}`)
      return undefined
    }
  }
  const name = `the end of ${operation} ${id}`
  const entry = await attempt(`${name} is not in the audit log`, async () => {
    await lock.confirm()
    const durationMs = ports.now() - Date.parse(startedAt)
    return audit.append({ id, operation, by, startedAt, durationMs, request, outcome }, signal)
  })
  if (!lock.lost.aborted) {
    await attempt(`${name} is not on record; the next operation closes it`, async () => {
      const configured = session.environment.services.map((service) => service.name)
      const live = await liveStates(
        ports.helm,
        [...new Set([...Object.keys(services), ...configured])],
        signal,
      )
      const after = provenStates({ outcome, ready, proven: facts.proven }, live, base)
      await journal.end({ outcome, ...facts }, after, signal)
    })
  }
  const head = entry && { sequence: entry.sequence, hash: entry.hash }
  await attempt('the lock was not released; it expires without heartbeats', () => lock.release(signal, head))
  return lock.lost.aborted ? [] : problems
}
