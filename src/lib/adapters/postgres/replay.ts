import type { Client, QueryResult } from 'pg'
import { compareLsn, type Lsn } from '../../domain/backup/lsn.ts'
import type { Point } from '../../domain/backup/manifest.ts'
import { formatMoment } from '../../domain/backup/moment.ts'
import { decodeMessage, type Message, type Relation } from '../../domain/backup/pgoutput.ts'
import {
  changeStatement,
  insertHead,
  insertRow,
  type ReplayStatement,
  type RowChange,
  tableName,
} from '../../domain/backup/replay.ts'
import { EmrError, ExitCode, messageOf } from '../../errors.ts'
import { keyEqualities } from './equality.ts'

/** Schema in the target that holds the progress while a restore is under way. */
export const PROGRESS_SCHEMA = 'emr_restore'

/** What the source checked at the end of a statement or transaction need not hold between two rows of it. */
const BEGIN: ReplayStatement[] = ['BEGIN', 'SET CONSTRAINTS ALL DEFERRED'].map((sql) => ({
  sql,
  rows: undefined,
}))
/** Characters of SQL that are sent at once. */
const BATCH = 64 * 1024
/** Characters of SQL in one transaction of the target, where the source's are smaller. */
const TRANSACTION = 4 * 1024 * 1024

export interface ReplayOptions {
  /** Transactions up to here have been replayed before. */
  after: Lsn
  /** Stops before the first transaction that committed later; epoch microseconds. */
  untilTime?: number
  /** Stops before the first transaction whose commit begins here or later. */
  untilLsn?: Lsn
  signal: AbortSignal
}

export interface ReplayOutcome {
  /** The end that was asked for was reached, so that no later segment is needed. */
  ended: boolean
  transactions: number
  /** Commit of the last transaction that was replayed. */
  last: Point | undefined
}

/**
 * The frames of a segment.
 * @throws {RangeError} when the segment ends in the middle of one
 */
export async function* frames(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of source) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let offset = 0
    while (bytes.length - offset >= 4) {
      const end = offset + 4 + bytes.readUInt32BE(offset)
      if (end > bytes.length) break
      yield bytes.subarray(offset + 4, end)
      offset = end
    }
    rest = bytes.subarray(offset)
  }
  if (rest.length > 0) throw new RangeError('the segment ends in the middle of a message')
}

/** Repeats the transactions of a segment. Each change must hit exactly the row that it hit in the source. */
export class Replay {
  readonly #client: Client
  readonly #options: ReplayOptions
  readonly #relations = new Map<number, Relation>()
  #statements: ReplayStatement[] = []
  #length = 0
  #transactionLength = 0
  /** Rows of one table that follow each other, waiting to become one INSERT. */
  #rows: { relation: Relation; values: string[]; length: number } | undefined
  #open = false
  #sent: Promise<void> = Promise.resolve()
  #lastCommit: Lsn | undefined
  transactions = 0
  last: Point | undefined

  constructor(client: Client, options: ReplayOptions) {
    this.#client = client
    this.#options = options
  }

  /** @returns true when the end that was asked for was reached, so that no later segment is needed */
  async run(source: AsyncIterable<Buffer>): Promise<boolean> {
    const withEqualities = await keyEqualities(this.#client)
    let skip = false
    for await (const payload of frames(source)) {
      this.#options.signal.throwIfAborted()
      const message = decodeMessage(payload)
      if (message.type === 'begin') {
        if (this.#isBeyond(message)) {
          await this.#commit()
          return true
        }
        skip = compareLsn(message.commitLsn, this.#options.after) < 0
      } else if (message.type === 'relation')
        this.#relations.set(message.relation.oid, withEqualities(message.relation))
      else if (message.type === 'commit') {
        if (skip) continue
        this.transactions += 1
        this.#lastCommit = message.endLsn
        this.last = { lsn: message.endLsn, time: formatMoment(message.time) }
        if (this.#transactionLength > TRANSACTION) await this.#commit()
      } else if (!skip) await this.#change(message)
    }
    await this.#commit()
    return false
  }

  #isBeyond({ commitLsn, time }: Extract<Message, { type: 'begin' }>): boolean {
    const { untilLsn, untilTime, after } = this.#options
    const isBeyond =
      (untilTime !== undefined && time > untilTime) ||
      (untilLsn !== undefined && compareLsn(commitLsn, untilLsn) >= 0)
    if (isBeyond && compareLsn(commitLsn, after) < 0) throw pastTarget()
    return isBeyond
  }

  async #change(message: Message): Promise<void> {
    if (message.type === 'insert') this.#insert(message)
    else if (message.type === 'update' || message.type === 'delete') {
      this.#endRows()
      this.#add(changeStatement(this.#relation(message.oid), message))
    } else if (message.type === 'truncate') {
      this.#endRows()
      const names = message.oids.map((oid) => `ONLY ${tableName(this.#relation(oid))}`)
      // The sequences are set at the end.
      this.#add({ sql: `TRUNCATE ${names.join(',')}`, rows: undefined })
    }
    if (this.#length > BATCH) await this.#send()
  }

  #insert({ oid, after }: Extract<RowChange, { type: 'insert' }>): void {
    const relation = this.#relation(oid)
    if (this.#rows?.relation !== relation) this.#endRows()
    this.#rows ??= { relation, values: [], length: 0 }
    const row = insertRow(after)
    this.#rows.values.push(row)
    this.#rows.length += row.length
    if (this.#rows.length > BATCH || relation.columns.length === 0) this.#endRows()
  }

  #endRows(): void {
    if (!this.#rows) return
    const { relation, values } = this.#rows
    this.#rows = undefined
    // A table may have no column that is written: all of them generated, or none at all.
    const sql =
      relation.columns.length === 0
        ? `INSERT INTO ${tableName(relation)} DEFAULT VALUES`
        : insertHead(relation) + values.join(',')
    this.#add({ sql, rows: values.length })
  }

  #add(statement: ReplayStatement): void {
    this.#statements.push(statement)
    this.#length += statement.sql.length
    this.#transactionLength += statement.sql.length
  }

  #relation(oid: number): Relation {
    const relation = this.#relations.get(oid)
    if (!relation) throw replayError(`a change names a table that the segment does not describe (${oid})`)
    return relation
  }

  /** Sends what has gathered; while the server works on it, the next batch is read. */
  async #send(): Promise<void> {
    await this.#sent
    const statements = this.#statements
    const begin = this.#open ? [] : BEGIN
    this.#open = true
    this.#statements = []
    this.#length = 0
    this.#sent = this.#execute([...begin, ...statements])
    // Awaited by the next batch.
    this.#sent.catch(() => {})
  }

  /** All has hit what it must before COMMIT goes out: a run after this one does not repeat what was committed. */
  async #commit(): Promise<void> {
    this.#endRows()
    if (this.#lastCommit !== undefined) {
      this.#add({ sql: `UPDATE ${PROGRESS_SCHEMA}.progress SET lsn = '${this.#lastCommit}'`, rows: 1 })
      await this.#send()
      await this.#sent
      await this.#execute([{ sql: 'COMMIT', rows: undefined }])
    }
    this.#open = false
    this.#lastCommit = undefined
    this.#transactionLength = 0
  }

  async #execute(statements: ReplayStatement[]): Promise<void> {
    let results: QueryResult[]
    try {
      const result: QueryResult | QueryResult[] = await this.#client.query(
        statements.map(({ sql }) => sql).join(';'),
      )
      results = Array.isArray(result) ? result : [result]
    } catch (error) {
      throw replayError(messageOf(error), error)
    }
    for (const [index, { sql, rows }] of statements.entries()) {
      const hit = results[index]?.rowCount
      if (rows !== undefined && hit !== rows) {
        // The beginning names the table; what follows may be patients' data.
        throw replayError(`${sql.split(/ (SET|WHERE|VALUES|\()/)[0]} hit ${hit} rows instead of ${rows}`)
      }
    }
  }
}

/** What has been replayed cannot be taken back. */
export function pastTarget(): EmrError {
  return new EmrError(
    'The restore in this database that was stopped is already past the end that is wanted now',
    {
      code: 'TARGET_PAST',
      exitCode: ExitCode.preflight,
      suggestions: ['--target OTHER_NAME', 'or the end that was wanted first (--to)'],
    },
  )
}

function replayError(why: string, cause?: unknown): EmrError {
  return new EmrError(`The replay of an incremental backup failed: ${why}`, {
    code: 'REPLAY_FAILED',
    exitCode: ExitCode.failed,
    suggestions: ['emr db-backup verify --decode', 'restore to an earlier point: --to BACKUP'],
    cause,
  })
}
