import type { Client } from 'pg'
import type { Relation } from '../../domain/backup/pgoutput.ts'

/**
 * The operators of keys' indexes that are none of pg_catalog, the only schema in which a replay looks for them: those of
 * citext, ltree and other types of extensions.
 */
const KEYS = `
SELECT n.nspname AS schema, c.relname AS name, a.attname AS column, format('OPERATOR(%I.%s)', s.nspname, o.oprname) AS operator
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN unnest(i.indkey::int2[], i.indclass::oid[]) AS k (attnum, opclass)
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
JOIN pg_opclass f ON f.oid = k.opclass
-- Unique indexes are B-trees, whose third strategy is equality.
JOIN pg_amop m ON m.amopfamily = f.opcfamily AND m.amopstrategy = 3
  AND m.amoplefttype = f.opcintype AND m.amoprighttype = f.opcintype
JOIN pg_operator o ON o.oid = m.amopopr JOIN pg_namespace s ON s.oid = o.oprnamespace
WHERE (i.indisprimary OR i.indisreplident) AND s.nspname <> 'pg_catalog'`

/** @returns what completes the description of a table by how its keys are compared in this database */
export async function keyEqualities(client: Client): Promise<(relation: Relation) => Relation> {
  const { rows } = await client.query<{ schema: string; name: string; column: string; operator: string }>(
    KEYS,
  )
  return (relation) => {
    const own = rows.filter(({ schema, name }) => schema === relation.schema && name === relation.name)
    const columns = relation.columns.map((column) => {
      const equality = own.find((key) => key.column === column.name)?.operator
      return equality === undefined ? column : { ...column, equality }
    })
    return { ...relation, columns }
  }
}
