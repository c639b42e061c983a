import { type ColumnValue, decodeText, type Message, type Relation, type RelationColumn } from './pgoutput.ts'

/** A statement that repeats a change, and how many rows it must hit; undefined where any number is right. */
export interface ReplayStatement {
  sql: string
  rows: number | undefined
}

/** SHA-256 of a text in UTF-8, hexadecimal. */
export type TextHash = (text: string | Buffer) => string

export type RowChange = Extract<Message, { type: 'insert' | 'update' | 'delete' }>

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A text as a literal; needs standard_conforming_strings, which a replay pins. */
export function quoteLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

export function tableName({ schema, name }: { schema: string; name: string }): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`
}

/** The beginning of an INSERT of a table's rows; rows of one table that follow each other share one statement. */
export function insertHead(relation: Relation): string {
  const names = relation.columns.filter(isWritten).map(({ name }) => quoteIdentifier(name))
  return `INSERT INTO ${tableName(relation)} (${names.join(',')}) OVERRIDING SYSTEM VALUE VALUES `
}

/** @returns undefined for a table without a column that is written: all of them generated, or none at all */
export function insertRow(relation: Relation, values: ColumnValue[]): string | undefined {
  const written = values.filter((_value, index) => isWritten(relation.columns[index]))
  return written.length === 0 ? undefined : `(${written.map(literal).join(',')})`
}

function isWritten(column: RelationColumn | undefined): boolean {
  return column?.generated !== true
}

/**
 * A change of one row. One that changes nothing that was sent (only large values, or only generated columns) looks for its
 * row all the same.
 * @throws {TypeError} for a table that says nothing about which row is meant
 */
export function changeStatement(
  relation: Relation,
  change: Exclude<RowChange, { type: 'insert' }>,
  hash: TextHash,
): ReplayStatement {
  // Not those of tables that inherit from it: they have their own changes in the log.
  const table = `ONLY ${tableName(relation)}`
  if (change.type === 'delete') {
    return { sql: `DELETE FROM ${table} WHERE ${rowCondition(relation, change.before, hash)}`, rows: 1 }
  }
  const settings = relation.columns.flatMap((column, index) => {
    const value = change.after[index]
    if (value === undefined || !isWritten(column)) return []
    const isSame = relation.replicaIdentity === 'f' && isEqual(change.before?.[index], value)
    return isSame ? [] : [`${quoteIdentifier(column.name)}=${literal(value)}`]
  })
  const condition = rowCondition(relation, change.before ?? change.after, hash)
  if (settings.length === 0) return { sql: `SELECT FROM ${table} WHERE ${condition}`, rows: 1 }
  return { sql: `UPDATE ${table} SET ${settings.join(',')} WHERE ${condition}`, rows: 1 }
}

/**
 * A change of a row of a table that an extension fills in part, where that part may be another one in the target: what is there
 * is changed, and what is missing is written.
 */
export function extensionStatement(relation: Relation, change: RowChange, hash: TextHash): ReplayStatement {
  if (change.type === 'delete') return { ...changeStatement(relation, change, hash), rows: undefined }
  const columns = relation.columns.map((column, index) => ({ column, value: change.after[index] }))
  const written = columns.filter(({ column, value }) => isWritten(column) && value !== undefined)
  const names = written.map(({ column }) => quoteIdentifier(column.name)).join(',')
  const values = written.map(({ column, value }) => typed(column, value)).join(',')
  const insert = `INSERT INTO ${tableName(relation)} (${names}) OVERRIDING SYSTEM VALUE SELECT ${values}`
  if (change.type === 'insert') return { sql: `${insert} ON CONFLICT DO NOTHING`, rows: undefined }
  const { sql } = changeStatement(relation, change, hash)
  return {
    sql: `WITH found AS (${sql.startsWith('SELECT') ? sql.replace('SELECT', 'SELECT 1') : `${sql} RETURNING 1`}) ${insert} WHERE NOT EXISTS (SELECT FROM found) ON CONFLICT DO NOTHING`,
    rows: undefined,
  }
}

function isEqual(a: ColumnValue, b: ColumnValue): boolean {
  return Buffer.isBuffer(a) && Buffer.isBuffer(b) ? a.equals(b) : a === b
}

function literal(value: ColumnValue): string {
  if (value === null || value === undefined) return 'NULL'
  return quoteLiteral(typeof value === 'string' ? value : decodeText(value))
}

function typed({ type }: RelationColumn, value: ColumnValue): string {
  return type === undefined ? literal(value) : `${literal(value)}::${type}`
}

/** Characters of a text from which on its hash is shorter to send and faster to parse. */
const HASHED = 1024

/**
 * Which row is meant. A key is compared by its type's equality, which its index serves. A whole row is compared by the
 * text that the type's output function gives (`format` calls it; a cast does not for bpchar, bool and inet), because
 * json and others have no equality and 1.0 equals 1.00; of rows that are the same in all columns, one is taken. Where an index
 * could find it, that one is asked as well.
 */
function rowCondition(relation: Relation, values: ColumnValue[], hash: TextHash): string {
  const columns = relation.columns.map((column, index) => ({ column, value: values[index] }))
  if (relation.replicaIdentity !== 'f') {
    const keys = columns.filter(({ column }) => column.isKey)
    if (keys.length === 0) throw new TypeError(`${tableName(relation)} has no replica identity`)
    return keys.map(({ column, value }) => equals(column, value)).join(' AND ')
  }
  const same = columns
    .filter(({ column }) => isWritten(column))
    .flatMap(({ column, value }) => {
      const isIndexed = column.equality !== undefined && value !== null && value !== undefined
      return [
        ...(isIndexed ? [equals(column, value)] : []),
        hasText(quoteIdentifier(column.name), value, hash),
      ]
    })
  // Without a column in the log, all rows are the same.
  const which = same.length === 0 ? '' : ` WHERE ${same.join(' AND ')}`
  return `ctid=(SELECT ctid FROM ONLY ${tableName(relation)}${which} LIMIT 1)`
}

function equals(column: RelationColumn, value: ColumnValue): string {
  return `${quoteIdentifier(column.name)} ${column.equality ?? 'OPERATOR(pg_catalog.=)'} ${typed(column, value)}`
}

function hasText(name: string, value: ColumnValue, hash: TextHash): string {
  // Unlike IS NULL, this is not true of a composite value whose fields are all NULL.
  if (value === null || value === undefined) return `${name} IS NOT DISTINCT FROM NULL`
  if (value.length > HASHED) return `sha256(convert_to(format('%s',${name}),'UTF8'))='\\x${hash(value)}'`
  const text = `format('%s',${name})=${literal(value)}`
  return value.length === 0 ? `${name} IS DISTINCT FROM NULL AND ${text}` : text
}
