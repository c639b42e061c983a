import { createHash } from 'node:crypto'
import type { Client, QueryResult } from 'pg'
import { compareLsn, type Lsn } from '../../domain/backup/lsn.ts'
import type { ExtensionTable, Point } from '../../domain/backup/manifest.ts'
import { formatMoment } from '../../domain/backup/moment.ts'
import { decodeMessage, type Message, type Relation } from '../../domain/backup/pgoutput.ts'
import {
  changeStatement,
  extensionStatement,
  insertHead,
  insertRow,
  type ReplayStatement,
  type RowChange,
  type TextHash,
  tableName,
} from '../../domain/backup/replay.ts'
import { EmrError, ExitCode, messageOf } from '../../errors.ts'
import { describeRelation } from './target-relations.ts'

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
  /** Of the source, as the full backup knows them. */
  extensionTables: readonly ExtensionTable[]
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
  let parts: Buffer[] = []
  let length = 0
  // Of a large message the pieces are put together once, when all are there.
  let needed = 4
  for await (const chunk of source) {
    parts.push(chunk)
    length += chunk.length
    if (length < needed) continue
    const bytes = parts.length === 1 ? chunk : Buffer.concat(parts, length)
    let offset = 0
    needed = 4
    while (bytes.length - offset >= 4) {
      const size = 4 + bytes.readUInt32BE(offset)
      if (offset + size > bytes.length) {
        needed = size
        break
      }
      yield bytes.subarray(offset + 4, offset + size)
      offset += size
    }
    parts = [bytes.subarray(offset)]
    length = bytes.length - offset
  }
  if (length > 0) throw new RangeError('the segment ends in the middle of a message')
}

const sha256: TextHash = (text) => createHash('sha256').update(text).digest('hex')

interface ReplayedTable {
  relation: Relation
  /** Which of its rows the backup holds. */
  rows: 'all' | ExtensionTable['rows']
}

/** Repeats the transactions of a segment. Each change must hit exactly the row that it hit in the source. */
export class Replay {
  readonly #client: Client
  readonly #options: ReplayOptions
  readonly #relations = new Map<number, ReplayedTable>()
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
      } else if (message.type === 'relation') await this.#describe(message.relation)
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

  async #describe(described: Relation): Promise<void> {
    // What was sent so far tells its own failure; after one, nothing more can be asked.
    await this.#sent
    const { oid, schema, name } = described
    const relation = await describeRelation(this.#client, described)
    const ofExtension = this.#options.extensionTables.find(
      (table) => table.name === name && table.schema === schema,
    )
    this.#relations.set(oid, { relation, rows: ofExtension?.rows ?? 'all' })
  }

  async #change(message: Message): Promise<void> {
    if (message.type === 'truncate') this.#truncate(message.oids)
    else if (message.type === 'insert' || message.type === 'update' || message.type === 'delete')
      this.#changeRow(this.#table(message.oid), message)
    if (this.#length > BATCH) await this.#send()
  }

  #changeRow({ relation, rows }: ReplayedTable, change: RowChange): void {
    if (rows === 'none') return
    if (rows === 'all' && change.type === 'insert') {
      this.#insert(relation, change)
      return
    }
    this.#endRows()
    const isOrdinary = rows === 'all' && change.type !== 'insert'
    this.#add(
      isOrdinary ? changeStatement(relation, change, sha256) : extensionStatement(relation, change, sha256),
    )
  }

  #truncate(oids: number[]): void {
    this.#endRows()
    const tables = oids.map((oid) => this.#table(oid)).filter(({ rows }) => rows !== 'none')
    const names = tables.map(({ relation }) => `ONLY ${tableName(relation)}`)
    // The sequences are set at the end.
    if (names.length > 0) this.#add({ sql: `TRUNCATE ${names.join(',')}`, rows: undefined })
  }

  #insert(relation: Relation, { after }: Extract<RowChange, { type: 'insert' }>): void {
    if (this.#rows?.relation !== relation) this.#endRows()
    const row = insertRow(relation, after)
    if (row === undefined) {
      this.#add({ sql: `INSERT INTO ${tableName(relation)} DEFAULT VALUES`, rows: 1 })
      return
    }
    this.#rows ??= { relation, values: [], length: 0 }
    this.#rows.values.push(row)
    this.#rows.length += row.length
    if (this.#rows.length > BATCH) this.#endRows()
  }

  #endRows(): void {
    if (!this.#rows) return
    const { relation, values } = this.#rows
    this.#rows = undefined
    this.#add({ sql: insertHead(relation) + values.join(','), rows: values.length })
  }

  #add(statement: ReplayStatement): void {
    this.#statements.push(statement)
    this.#length += statement.sql.length
    this.#transactionLength += statement.sql.length
  }

  #table(oid: number): ReplayedTable {
    const table = this.#relations.get(oid)
    if (!table) throw replayError(`a change names a table that the segment does not describe (${oid})`)
    return table
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
