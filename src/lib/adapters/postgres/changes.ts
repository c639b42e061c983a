import type { Client, Connection } from 'pg'
import { compareLsn, type Lsn, lsnToBigInt } from '../../domain/backup/lsn.ts'
import type { Point } from '../../domain/backup/manifest.ts'
import { formatMoment } from '../../domain/backup/moment.ts'
import { decodeMessage } from '../../domain/backup/pgoutput.ts'
import { EmrError, ExitCode, InterruptedError, messageOf } from '../../errors.ts'
import { connect, type DatabaseConnection } from './connection.ts'
import { DDL_PREFIX, PUBLICATION } from './guard.ts'
import { MARKER_PREFIX, type Mark, TIP_PREFIX } from './mark.ts'

/** Bytes that may wait for the store; beyond them the server has to wait. */
const HIGH_WATER = 4 * 1024 * 1024
const LOW_WATER = 1024 * 1024
/** R, and I, U, D, T: the first byte tells the kind of a message. */
const RELATION = 0x52
const CHANGES = new Set([0x49, 0x55, 0x44, 0x54])
/** Well under wal_sender_timeout, 60 s by default. */
const STATUS_MS = 10_000

/** What was read, known once the changes have all been taken. */
export interface ChangeSummary {
  end: Point
  transactions: number
  changes: number
}

/** What was being read does not go on from the last backup; the message says why. */
class ChainEndedError extends Error {
  override readonly name = 'ChainEndedError'
}

export interface ChangeRequest {
  slot: string
  /** The backup to go on from. Transactions that committed before its end are left out. */
  tip: { id: string; end: Pick<Point, 'lsn'> }
  /** Ends the reading; its transaction is left out. */
  mark: Pick<Mark, 'marker' | 'passed'>
}

/**
 * The committed changes of a slot in the order of their commits, as frames (four bytes of length, then a message of
 * pgoutput). Nothing is ever acknowledged: until the slot is advanced, all of it can be read again.
 * @returns the summary, as the generator's value
 * @throws {ChainEndedError}
 */
export async function* readChanges(
  connection: DatabaseConnection,
  { slot, tip, mark }: ChangeRequest,
  signal: AbortSignal,
): AsyncGenerator<Buffer, ChangeSummary> {
  const client = await connect(connection, { replication: true })
  const stream = new ReplicationStream(client, { slot, from: tip.end.lsn, passed: mark.passed }, signal)
  const selection = new ChangeSelection(tip, mark.marker)
  try {
    for await (const payload of stream) {
      const wanted = selection.take(payload)
      if (wanted) yield frame(wanted)
      if (selection.summary) return selection.summary
    }
    throw lost('the server ended the stream')
  } finally {
    stream.close()
    await client.end().catch(() => {})
  }
}

/** Picks from the messages of a slot those that belong into a segment. */
class ChangeSelection {
  /** Set once the marker's transaction has ended. */
  summary: ChangeSummary | undefined
  readonly #from: Lsn
  readonly #marker: string
  readonly #tip: string
  /** The log is the one in which the last backup ended. */
  #goesOn = false
  #transactions = 0
  #changes = 0
  #current: { skip: boolean; marked: boolean; changes: number } | undefined
  /** Messages that mean nothing without a change after them: the beginning, descriptions of tables. */
  #held: Buffer[] = []

  constructor({ id, end }: ChangeRequest['tip'], marker: string) {
    this.#from = end.lsn
    this.#tip = id
    this.#marker = marker
  }

  /** @returns the messages to keep now, if any */
  take(payload: Buffer): Buffer[] | undefined {
    // Most messages are changes, and those need no look inside.
    if (CHANGES.has(payload[0] ?? 0)) {
      if (!this.#current || this.#current.skip) return undefined
      this.#current.changes += 1
      const held = this.#held
      this.#held = []
      return [...held, payload]
    }
    const message = decodeMessage(payload)
    if (message.type === 'commit') return this.#commit(message, payload)
    if (message.type === 'message') this.#note(message)
    else this.#held.push(payload)
    if (message.type === 'begin') {
      const skip = compareLsn(message.commitLsn, this.#from) < 0
      this.#current = { skip, marked: false, changes: 0 }
    }
    return undefined
  }

  #note({ prefix, content }: { prefix: string; content: string }): void {
    if (!this.#current || this.#current.skip) return
    if (prefix === DDL_PREFIX) throw new ChainEndedError(`the schema has changed (${content})`)
    if (prefix === TIP_PREFIX && content === this.#tip) this.#goesOn = true
    if (prefix === MARKER_PREFIX && content === this.#marker) this.#current.marked = true
  }

  #commit({ endLsn, time }: { endLsn: Lsn; time: number }, payload: Buffer): Buffer[] | undefined {
    const { marked = false, changes = 0 } = this.#current ?? {}
    this.#current = undefined
    // A table is described once; of a transaction that is left out, later ones need that too.
    this.#held = this.#held.filter((earlier) => earlier[0] === RELATION)
    if (marked) {
      if (!this.#goesOn) throw new ChainEndedError(`the server was set back to before ${this.#tip} ended`)
      const end = { lsn: endLsn, time: formatMoment(time) }
      this.summary = { end, transactions: this.#transactions, changes: this.#changes }
      return undefined
    }
    if (changes === 0) return undefined
    this.#transactions += 1
    this.#changes += changes
    return [payload]
  }
}

function frame(payloads: Buffer[]): Buffer {
  const parts = payloads.flatMap((payload) => {
    const length = Buffer.allocUnsafe(4)
    length.writeUInt32BE(payload.length)
    return [length, payload]
  })
  return Buffer.concat(parts)
}

function lost(why: string): EmrError {
  return new EmrError(`The connection that reads the changes was lost: ${why}`, {
    code: 'REPLICATION_LOST',
    exitCode: ExitCode.tool,
    suggestions: ['run it again: nothing was lost, the slot keeps what was not backed up'],
  })
}

/** START_REPLICATION as an async iterable of the payloads of XLogData, with back-pressure. */
class ReplicationStream implements AsyncIterable<Buffer> {
  #queue: Buffer[] = []
  #queuedBytes = 0
  #ended = false
  #failure: Error | undefined
  #wake: (() => void) | undefined
  #received = 0n
  readonly #passed: bigint
  readonly #connection: Connection
  readonly #timer: NodeJS.Timeout
  readonly #signal: AbortSignal
  readonly #onAbort = () => this.#end(new InterruptedError('The backup was stopped'))

  constructor(
    client: Client,
    { slot, from, passed }: { slot: string; from: Lsn; passed: Lsn },
    signal: AbortSignal,
  ) {
    this.#passed = lsnToBigInt(passed)
    // pg hands the messages of a copy to the query that is under way; its types do not know of that.
    this.#connection = (client as unknown as { connection: Connection }).connection
    this.#signal = signal
    signal.addEventListener('abort', this.#onAbort, { once: true })
    client.on('error', (error) => this.#end(lost(messageOf(error))))
    client.on('end', () => this.#end(lost('the server closed it')))
    const options = `proto_version '1', publication_names '${PUBLICATION}', messages 'true'`
    const query = `START_REPLICATION SLOT "${slot}" LOGICAL ${from} (${options})`
    client.query({
      submit: (connection: Connection) => connection.query(query),
      handleCopyData: ({ chunk }: { chunk: Buffer }) => this.#receive(chunk),
      handleError: (error: Error) => this.#end(lost(messageOf(error))),
      handleCommandComplete: () => this.#end(undefined),
      handleReadyForQuery: () => this.#end(undefined),
      handleRowDescription() {},
      handleDataRow() {},
      handlePortalSuspended() {},
      handleEmptyQuery() {},
    } as never)
    this.#timer = setInterval(() => this.#status(), STATUS_MS)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    while (true) {
      const batch = this.#queue
      this.#queue = []
      for (const payload of batch) {
        this.#queuedBytes -= payload.length
        yield payload
      }
      if (this.#queuedBytes < LOW_WATER) this.#connection.stream.resume()
      if (this.#queue.length > 0) continue
      if (this.#failure) throw this.#failure
      if (this.#ended) return
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  close(): void {
    clearInterval(this.#timer)
    this.#signal.removeEventListener('abort', this.#onAbort)
    this.#end(undefined)
    this.#connection.stream.destroy()
  }

  #receive(chunk: Buffer): void {
    if (chunk[0] === 0x77) {
      // pg uses the memory of the chunk again.
      const payload = Buffer.from(chunk.subarray(25))
      this.#received = chunk.readBigUInt64BE(1)
      this.#queue.push(payload)
      this.#queuedBytes += payload.length
      if (this.#queuedBytes > HIGH_WATER) this.#connection.stream.pause()
    } else if (chunk[0] === 0x6b) {
      // What the server has sent is in the queue, and is looked at before this failure.
      if (chunk.readBigUInt64BE(1) >= this.#passed) this.#end(lost('the mark of this run is not in the log'))
      else if (chunk[17] === 1) this.#status()
    }
    this.#wake?.()
  }

  /** Says that this side lives, and asks for an answer; positions "flushed" and "applied" stay 0, which acknowledges nothing. */
  #status(): void {
    const message = Buffer.alloc(34)
    message.write('r')
    message.writeUInt8(1, 33)
    message.writeBigUInt64BE(this.#received, 1)
    const connection = this.#connection as Connection & { sendCopyFromChunk(chunk: Buffer): void }
    if (!this.#ended) connection.sendCopyFromChunk(message)
  }

  #end(failure: Error | undefined): void {
    if (!this.#ended) this.#failure = failure
    this.#ended = true
    this.#wake?.()
  }
}
