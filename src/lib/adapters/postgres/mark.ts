import type { Client } from 'pg'
import type { Lsn } from '../../domain/backup/lsn.ts'
import type { RelationName, SequenceState } from '../../domain/backup/manifest.ts'
import { tableName } from '../../domain/backup/replay.ts'
import { EmrError, ExitCode } from '../../errors.ts'
import { type Readings, readings, sequenceStates } from './facts.ts'
import { populatedViews } from './views.ts'

/** The message with which a run marks where it ends. */
export const MARKER_PREFIX = 'emr_marker'
/** The message that follows the end of each backup; the next one of the chain finds it, if the log is still the same. */
export const TIP_PREFIX = 'emr_tip'

/** How often sequences may be reset in the middle of being read. */
const TURNS = 10

/** The end of an incremental backup, and what a restore to it needs beside the changes. */
export interface Mark {
  /** Content of the marker message. */
  marker: string
  /** Where it stands. */
  lsn: Lsn
  /** Whoever has read the log up to here has seen the end of the marker's transaction. */
  passed: Lsn
  sequences: SequenceState[]
  populatedViews: RelationName[]
}

/**
 * Marks the end in the log. Sequences are in no transaction, so they are read after the marker: then none is behind a row
 * that was committed before. What would make a later value a wrong one (a sequence that was reset, made, dropped or renamed
 * meanwhile) is seen by comparing with what was there before the marker, and makes another one the end.
 * @param id of the backup
 * @throws {EmrError} SEQUENCES_RESET (exit 5)
 */
export async function markEnd(client: Client, id: string): Promise<Mark> {
  let before = await look(client)
  for (let turn = 1; turn <= TURNS; turn += 1) {
    const marker = `${id}/${turn}`
    const lsn = await emit(client, MARKER_PREFIX, marker)
    const after = await look(client)
    if (isForward(before, after)) {
      const { sequences, populatedViews: views } = after
      return { marker, lsn, passed: await markTip(client, id), sequences, populatedViews: views }
    }
    before = after
  }
  throw new EmrError('Sequences are reset faster than they can be read', {
    code: 'SEQUENCES_RESET',
    exitCode: ExitCode.tool,
    suggestions: ['run it again when what truncates or resets them all the time has ended'],
  })
}

/** See TIP_PREFIX. @returns where it stands */
export function markTip(client: Client, id: string): Promise<Lsn> {
  return emit(client, TIP_PREFIX, id)
}

async function emit(client: Client, prefix: string, content: string): Promise<Lsn> {
  const { rows } = await client.query<{ lsn: Lsn }>(
    'SELECT pg_logical_emit_message(true, $1, $2)::text AS lsn',
    [prefix, content],
  )
  return rows[0]?.lsn ?? '0/0'
}

interface Look {
  sequences: SequenceState[]
  populatedViews: RelationName[]
  /** Read last: as long as they stay the same, nothing was made anew since the look before. */
  readings: Readings
}

async function look(client: Client): Promise<Look> {
  return {
    sequences: await sequenceStates(client),
    populatedViews: await populatedViews(client),
    readings: await readings(client),
  }
}

function isForward(before: Look, after: Look): boolean {
  if (JSON.stringify(before.readings) !== JSON.stringify(after.readings)) return false
  const earlier = new Map(before.sequences.map((state) => [tableName(state), state]))
  const falling = new Set(after.readings.filter(({ increment }) => increment?.startsWith('-')).map(tableName))
  return after.sequences.every((state) => {
    const name = tableName(state)
    const found = earlier.get(name)
    return found !== undefined && !isBehind(state, found, !falling.has(name))
  })
}

/** setval and CYCLE lead backwards without a trace. */
function isBehind(now: SequenceState, then: SequenceState, rises: boolean): boolean {
  const way = BigInt(now.lastValue) - BigInt(then.lastValue)
  if (way === 0n) return then.isCalled && !now.isCalled
  return rises ? way < 0n : way > 0n
}
