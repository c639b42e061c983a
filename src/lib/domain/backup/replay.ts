import type { ColumnValue, Message, Relation } from './pgoutput.ts'

/** A statement that repeats a change, and how many rows it must hit; undefined where any number is right. */
export interface ReplayStatement {
  sql: string
  rows: number | undefined
}

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
  const names = relation.columns.map(({ name }) => quoteIdentifier(name))
  const columns = names.length === 0 ? '' : ` (${names.join(',')})`
  return `INSERT INTO ${tableName(relation)}${columns} OVERRIDING SYSTEM VALUE VALUES `
}

export function insertRow(values: ColumnValue[]): string {
  return `(${values.map(literal).join(',')})`
}

/**
 * A change of one row. One that changes nothing that was sent (only large values, or only generated columns) looks for its
 * row all the same.
 * @throws {TypeError} for a table that says nothing about which row is meant
 */
export function changeStatement(
  relation: Relation,
  change: Exclude<RowChange, { type: 'insert' }>,
): ReplayStatement {
  const table = tableName(relation)
  if (change.type === 'delete') {
    return { sql: `DELETE FROM ${table} WHERE ${rowCondition(relation, change.before)}`, rows: 1 }
  }
  const settings = relation.columns.flatMap(({ name }, index) => {
    const value = change.after[index]
    return value === undefined ? [] : [`${quoteIdentifier(name)}=${literal(value)}`]
  })
  const condition = rowCondition(relation, change.before ?? change.after)
  if (settings.length === 0) return { sql: `SELECT FROM ${table} WHERE ${condition}`, rows: 1 }
  return { sql: `UPDATE ${table} SET ${settings.join(',')} WHERE ${condition}`, rows: 1 }
}

function literal(value: ColumnValue): string {
  return value === null || value === undefined ? 'NULL' : quoteLiteral(value)
}

/**
 * Which row is meant. A key is compared by its type's equality, which its index serves. A whole row is compared by the
 * text that the type's output function gives (`format` calls it; a cast does not for bpchar, bool and inet), because
 * json and others have no equality and 1.0 equals 1.00; of rows that are the same in all columns, one is taken.
 */
function rowCondition(relation: Relation, values: ColumnValue[]): string {
  const columns = relation.columns.map(({ name, isKey, equality = '=' }, index) => ({
    name: quoteIdentifier(name),
    isKey,
    equality,
    value: values[index],
  }))
  if (relation.replicaIdentity !== 'f') {
    const keys = columns.filter(({ isKey }) => isKey)
    if (keys.length === 0) throw new TypeError(`${tableName(relation)} has no replica identity`)
    return keys.map(({ name, equality, value }) => `${name}${equality}${literal(value)}`).join(' AND ')
  }
  const same = columns.map(({ name, value }) =>
    value === null || value === undefined
      ? `${name} IS NULL`
      : `${name} IS NOT NULL AND format('%s',${name})=${quoteLiteral(value)}`,
  )
  // Without a column in the log, all rows are the same.
  const which = same.length === 0 ? '' : ` WHERE ${same.join(' AND ')}`
  return `ctid=(SELECT ctid FROM ${tableName(relation)}${which} LIMIT 1)`
}
