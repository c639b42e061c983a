import type { Client } from 'pg'
import type { Relation } from '../../domain/backup/pgoutput.ts'
import { tableName } from '../../domain/backup/replay.ts'

/**
 * Of one table: the type of each column, down to what its domains are made of, and how the indexes that can find a row compare it.
 * An index of a key comes first, then that of the fewest columns.
 */
const COLUMNS = `
WITH RECURSIVE base (attnum, name, generated, type) AS (
  SELECT attnum, attname, attgenerated <> '', atttypid FROM pg_attribute
  WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped
  UNION ALL SELECT attnum, name, generated, typbasetype FROM base JOIN pg_type t ON t.oid = base.type AND typtype = 'd'
), chosen AS (
  SELECT i.indkey::int2[] AS keys, i.indclass::oid[] AS classes
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
  WHERE i.indrelid = to_regclass($1) AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND m.amname = 'btree'
  ORDER BY i.indisreplident DESC, i.indisprimary DESC, i.indisunique DESC, i.indnatts, c.relname LIMIT 1
), compared AS (
  SELECT k.attnum, format('OPERATOR(%I.%s)', s.nspname, o.oprname) AS equality
  FROM chosen CROSS JOIN unnest(keys, classes) AS k (attnum, opclass)
  JOIN pg_opclass f ON f.oid = k.opclass
  -- Of a B-tree, the third strategy is equality.
  JOIN pg_amop a ON a.amopfamily = f.opcfamily AND a.amopstrategy = 3
    AND a.amoplefttype = f.opcintype AND a.amoprighttype = f.opcintype
  JOIN pg_operator o ON o.oid = a.amopopr JOIN pg_namespace s ON s.oid = o.oprnamespace
)
SELECT name, generated, format_type(base.type, -1) AS type, equality
FROM base JOIN pg_type t ON t.oid = base.type LEFT JOIN compared USING (attnum) WHERE t.typtype <> 'd'`

interface TargetColumn {
  name: string
  generated: boolean
  type: string
  equality: string | null
}

/** Completes the description of a table by what this database says of its columns. */
export async function describeRelation(client: Client, relation: Relation): Promise<Relation> {
  const { rows } = await client.query<TargetColumn>(COLUMNS, [tableName(relation)])
  const columns = relation.columns.map((column) => {
    const found = rows.find(({ name }) => name === column.name)
    if (!found) return column
    const { type, generated, equality } = found
    return { ...column, type, generated, ...(equality === null ? {} : { equality }) }
  })
  return { ...relation, columns }
}
