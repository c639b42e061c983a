import { type Lsn, lsnFromBigInt } from './lsn.ts'

/**
 * A column's value: its text (that of a large one as the bytes in which it came), null, or undefined where a large value was not
 * changed and so was not sent.
 */
export type ColumnValue = string | Buffer | null | undefined

/** Bytes of a text from which on it stays as it is: most of these are compared and passed on, and never looked at. */
const LARGE = 64 * 1024

export interface RelationColumn {
  name: string
  isKey: boolean
  /** As SQL writes it, without a domain around it; undefined where the target was not asked. */
  type?: string
  /** Nobody can write into it. */
  generated?: boolean
  /** The operator by which an index finds it. */
  equality?: string
}

export interface Relation {
  oid: number
  schema: string
  name: string
  /** `f` identifies a row by all of its columns. */
  replicaIdentity: 'd' | 'n' | 'f' | 'i'
  columns: RelationColumn[]
}

export type Message =
  /** Time of the commit in epoch microseconds, here and in `commit`. */
  | { type: 'begin'; commitLsn: Lsn; time: number }
  | { type: 'commit'; endLsn: Lsn; time: number }
  | { type: 'relation'; relation: Relation }
  | { type: 'insert'; oid: number; after: ColumnValue[] }
  | { type: 'update'; oid: number; before?: ColumnValue[]; after: ColumnValue[] }
  | { type: 'delete'; oid: number; before: ColumnValue[] }
  | { type: 'truncate'; oids: number[]; restartIdentity: boolean }
  | { type: 'message'; prefix: string; content: string }
  /** A type's or an origin's name, which a replay has no use for. */
  | { type: 'other' }

/** 2000-01-01, from which PostgreSQL counts, in epoch microseconds. */
const POSTGRES_EPOCH = 946_684_800_000_000n

/** @throws {RangeError} for bytes that are no UTF-8 */
export function decodeText(bytes: Buffer): string {
  const text = bytes.toString('utf8')
  // What is no UTF-8 becomes this character, which can also stand there itself.
  if (text.includes('\uFFFD') && !Buffer.from(text).equals(bytes))
    throw new RangeError('a text is not in UTF-8')
  return text
}

class Reader {
  #offset = 0
  readonly #bytes: Buffer
  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }
  int8(): number {
    return this.#bytes.readUInt8(this.#advance(1))
  }
  char(): string {
    return String.fromCharCode(this.int8())
  }
  int16(): number {
    return this.#bytes.readUInt16BE(this.#advance(2))
  }
  int32(): number {
    return this.#bytes.readUInt32BE(this.#advance(4))
  }
  lsn(): Lsn {
    return lsnFromBigInt(this.#bytes.readBigUInt64BE(this.#advance(8)))
  }
  /** @returns epoch microseconds */
  time(): number {
    return Number(this.#bytes.readBigInt64BE(this.#advance(8)) + POSTGRES_EPOCH)
  }
  text(length: number): string {
    const start = this.#advance(length)
    return decodeText(this.#bytes.subarray(start, start + length))
  }
  value(length: number): string | Buffer {
    if (length < LARGE) return this.text(length)
    const start = this.#advance(length)
    return this.#bytes.subarray(start, start + length)
  }
  string(): string {
    const text = this.text(this.#bytes.indexOf(0, this.#offset) - this.#offset)
    this.#advance(1)
    return text
  }
  #advance(length: number): number {
    const start = this.#offset
    this.#offset += length
    if (length < 0 || this.#offset > this.#bytes.length) throw new RangeError('a message ends too early')
    return start
  }
}

/**
 * One message of the pgoutput plugin, protocol version 1, values as text.
 * @throws {RangeError} for a message that is cut short, of an unknown kind or not in UTF-8
 */
export function decodeMessage(bytes: Buffer): Message {
  const reader = new Reader(bytes)
  const kind = reader.char()
  switch (kind) {
    case 'B':
      return { type: 'begin', commitLsn: reader.lsn(), time: reader.time() }
    case 'C':
      reader.int8()
      reader.lsn()
      return { type: 'commit', endLsn: reader.lsn(), time: reader.time() }
    case 'R':
      return { type: 'relation', relation: relation(reader) }
    case 'I':
      return { type: 'insert', oid: reader.int32(), after: newTuple(reader, reader.char) }
    case 'U':
      return update(reader)
    case 'D':
      return { type: 'delete', oid: reader.int32(), before: newTuple(reader, reader.char) }
    case 'T':
      return truncate(reader)
    case 'M':
      return logicalMessage(reader)
    case 'Y':
    case 'O':
      return { type: 'other' }
    default:
      throw new RangeError(`a message of the unknown kind '${kind}'`)
  }
}

function relation(reader: Reader): Relation {
  const oid = reader.int32()
  const schema = reader.string() || 'pg_catalog'
  const name = reader.string()
  const replicaIdentity = reader.char() as Relation['replicaIdentity']
  const columns = Array.from({ length: reader.int16() }, () => {
    const isKey = (reader.int8() & 1) === 1
    const column = { name: reader.string(), isKey }
    reader.int32()
    reader.int32()
    return column
  })
  return { oid, schema, name, replicaIdentity, columns }
}

/** The letter before a tuple (N, K or O) says whether it is the new row, the old key or the whole old row. */
function newTuple(reader: Reader, letter: () => string): ColumnValue[] {
  letter.call(reader)
  return tuple(reader)
}

function update(reader: Reader): Message {
  const oid = reader.int32()
  if (reader.char() === 'N') return { type: 'update', oid, after: tuple(reader) }
  const before = tuple(reader)
  return { type: 'update', oid, before, after: newTuple(reader, reader.char) }
}

function tuple(reader: Reader): ColumnValue[] {
  return Array.from({ length: reader.int16() }, () => {
    const kind = reader.char()
    if (kind === 'n') return null
    if (kind === 'u') return undefined
    if (kind !== 't') throw new RangeError(`a column value of the unknown kind '${kind}'`)
    return reader.value(reader.int32())
  })
}

function truncate(reader: Reader): Message {
  const count = reader.int32()
  const options = reader.int8()
  const oids = Array.from({ length: count }, () => reader.int32())
  return { type: 'truncate', oids, restartIdentity: (options & 2) === 2 }
}

function logicalMessage(reader: Reader): Message {
  reader.int8()
  reader.lsn()
  const prefix = reader.string()
  return { type: 'message', prefix, content: reader.text(reader.int32()) }
}
