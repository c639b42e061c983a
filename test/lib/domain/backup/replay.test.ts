import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareLsn, isLsn, lsnFromBigInt } from '../../../../src/lib/domain/backup/lsn.ts'
import { divideTables } from '../../../../src/lib/domain/backup/parts.ts'
import { decodeMessage, type Relation } from '../../../../src/lib/domain/backup/pgoutput.ts'
import {
  changeStatement as changeStatementWith,
  extensionStatement as extensionStatementWith,
  insertHead,
  insertRow,
  quoteLiteral,
} from '../../../../src/lib/domain/backup/replay.ts'
import { formatSize, parseSize } from '../../../../src/lib/domain/size.ts'

const hash = (text: string | Buffer) => `hash of ${text.length}`
const changeStatement = (relation: Relation, change: Parameters<typeof changeStatementWith>[1]) =>
  changeStatementWith(relation, change, hash)
const extensionStatement = (relation: Relation, change: Parameters<typeof extensionStatementWith>[1]) =>
  extensionStatementWith(relation, change, hash)

const keyed: Relation = {
  oid: 1,
  schema: 'public',
  name: 'we"ird',
  replicaIdentity: 'd',
  columns: [
    { name: 'id', isKey: true },
    { name: 'big', isKey: false },
    { name: 'text', isKey: false },
  ],
}

describe('statements', () => {
  test('an update leaves large values alone that were not sent, and finds its row by the old key', () => {
    const change = {
      type: 'update',
      oid: 1,
      before: ['1', null, null],
      after: ['2', undefined, null],
    } as const
    expect(
      changeStatement(keyed, { ...change, before: [...change.before], after: [...change.after] }),
    ).toEqual({
      sql: `UPDATE ONLY "public"."we""ird" SET "id"='2',"text"=NULL WHERE "id" OPERATOR(pg_catalog.=) '1'`,
      rows: 1,
    })
  })
  test('without a key the whole row is compared, as text, and one of equal rows is taken', () => {
    const relation: Relation = { ...keyed, replicaIdentity: 'f' }
    const { sql } = changeStatement(relation, { type: 'delete', oid: 1, before: ['1', null, `it's`] })
    expect(sql).toContain('DELETE FROM ONLY "public"."we""ird" WHERE ctid=(SELECT ctid FROM ONLY')
    expect(sql).toContain(`"big" IS NOT DISTINCT FROM NULL AND format('%s',"text")='it''s' LIMIT 1)`)
  })
  test('of a whole row, only what has changed is written, and an index that can find it is asked', () => {
    const columns = [
      { name: 'id', isKey: true, type: 'my.key', equality: 'OPERATOR(my.=)' },
      { name: 'text', isKey: true, type: 'text' },
      { name: 'twice', isKey: true, type: 'integer', generated: true },
    ]
    const relation: Relation = { ...keyed, name: 'd', replicaIdentity: 'f', columns }
    const large = (letter: string) => Buffer.from(letter.repeat(100_000))
    const before = ['1', large('a'), '2']
    const changed = { type: 'update', oid: 1, before, after: ['1', large('b'), '2'] } as const
    const which = `WHERE ctid=(SELECT ctid FROM ONLY "public"."d" WHERE "id" OPERATOR(my.=) '1'::my.key AND format('%s',"id")='1' AND sha256(convert_to(format('%s',"text"),'UTF8'))='\\xhash of 100000'`
    const { sql } = changeStatement(relation, { ...changed, after: [...changed.after] })
    expect(sql).toContain(`UPDATE ONLY "public"."d" SET "text"='bbb`)
    expect(sql).toContain(which)
    expect(sql).not.toContain('twice')
    expect(changeStatement(relation, { ...changed, after: ['1', large('a'), '2'] }).sql).toContain(
      `SELECT FROM ONLY "public"."d" ${which}`,
    )
  })
  test('an empty text is not taken for NULL', () => {
    const relation: Relation = { ...keyed, replicaIdentity: 'f' }
    expect(changeStatement(relation, { type: 'delete', oid: 1, before: ['1', '', null] }).sql).toContain(
      `"big" IS DISTINCT FROM NULL AND format('%s',"big")='' AND`,
    )
  })
  test('a change of a row that the target’s extension may not have made writes it where it is missing', () => {
    const update = { type: 'update', oid: 1, after: ['1', undefined, 'x'] } as const
    expect(extensionStatement(keyed, { ...update, after: [...update.after] })).toEqual({
      sql: `WITH found AS (UPDATE ONLY "public"."we""ird" SET "id"='1',"text"='x' WHERE "id" OPERATOR(pg_catalog.=) '1' RETURNING 1) INSERT INTO "public"."we""ird" ("id","text") OVERRIDING SYSTEM VALUE SELECT '1','x' WHERE NOT EXISTS (SELECT FROM found) ON CONFLICT DO NOTHING`,
      rows: undefined,
    })
  })
  test('what changes nothing that was sent still looks for its row', () => {
    const document: Relation = {
      ...keyed,
      name: 'd',
      replicaIdentity: 'f',
      columns: [{ name: 'body', isKey: true }],
    }
    expect(
      changeStatement(document, { type: 'update', oid: 1, before: ['text'], after: [undefined] }).sql,
    ).toMatch(/^SELECT FROM ONLY "public"."d" WHERE ctid=\(SELECT ctid .* LIMIT 1\)$/)
    const bare: Relation = { ...document, columns: [] }
    const ctid = 'ctid=(SELECT ctid FROM ONLY "public"."d" LIMIT 1)'
    expect(changeStatement(bare, { type: 'update', oid: 1, before: [], after: [] }).sql).toBe(
      `SELECT FROM ONLY "public"."d" WHERE ${ctid}`,
    )
    expect(changeStatement(bare, { type: 'delete', oid: 1, before: [] }).sql).toBe(
      `DELETE FROM ONLY "public"."d" WHERE ${ctid}`,
    )
  })
  test('a key of an extension’s type is compared by the operator of its index', () => {
    const relation: Relation = {
      ...keyed,
      columns: [{ name: 'id', isKey: true, equality: 'OPERATOR(public.=)' }],
    }
    expect(changeStatement(relation, { type: 'delete', oid: 1, before: ['1'] }).sql).toBe(
      `DELETE FROM ONLY "public"."we""ird" WHERE "id" OPERATOR(public.=) '1'`,
    )
  })
  test('rows of an insert write into identities too', () => {
    expect(insertHead(keyed) + insertRow(keyed, ['1', null, 'x'])).toBe(
      `INSERT INTO "public"."we""ird" ("id","big","text") OVERRIDING SYSTEM VALUE VALUES ('1',NULL,'x')`,
    )
  })
  test('a table that says nothing about its rows is refused', () => {
    const relation: Relation = { ...keyed, columns: [{ name: 'a', isKey: false }] }
    expect(() => changeStatement(relation, { type: 'delete', oid: 1, before: ['1'] })).toThrow(
      'no replica identity',
    )
  })
  test('no text ends its literal early', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const literal = quoteLiteral(text)
        expect(literal.slice(1, -1).replaceAll("''", '')).not.toContain("'")
        expect(literal.slice(1, -1).replaceAll("''", "'")).toBe(text)
      }),
    )
  })
})

describe('messages of pgoutput', () => {
  test('a message that is cut short is an error, not another message', () => {
    const insert = Buffer.from('490000000a4e0002740000000131740000000378797a', 'hex')
    expect(decodeMessage(insert)).toEqual({ type: 'insert', oid: 10, after: ['1', 'xyz'] })
    for (let length = 1; length < insert.length; length += 1) {
      expect(() => decodeMessage(insert.subarray(0, length))).toThrow(RangeError)
    }
  })
  test('bytes that are no UTF-8 are refused, the replacement character itself is not', () => {
    const insert = (bytes: string) => Buffer.from(`490000000a4e000174${bytes}`, 'hex')
    expect(decodeMessage(insert('00000003efbfbd'))).toMatchObject({ after: ['\uFFFD'] })
    expect(() => decodeMessage(insert('0000000361e462'))).toThrow('not in UTF-8')
  })
  test('an unknown kind is refused', () => {
    expect(() => decodeMessage(Buffer.from('?'))).toThrow("unknown kind '?'")
  })
})

test('LSNs order as their positions do', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 2n ** 64n - 1n), fc.bigInt(0n, 2n ** 64n - 1n), (a, b) => {
      expect(isLsn(lsnFromBigInt(a))).toBe(true)
      expect(compareLsn(lsnFromBigInt(a), lsnFromBigInt(b))).toBe(a < b ? -1 : a > b ? 1 : 0)
    }),
  )
})

test('tables are divided without one in two parts, and no part is twice as heavy as it must be', () => {
  const table = fc.record({ schema: fc.constant('s'), name: fc.uuid(), bytes: fc.nat(1_000_000) })
  fc.assert(
    fc.property(
      fc.uniqueArray(table, { selector: ({ name }) => name, maxLength: 60 }),
      fc.integer({ min: 1, max: 8 }),
      (tables, parts) => {
        const named = divideTables(tables, parts)
        expect(named.length).toBeLessThan(parts)
        const names = named.flat().map(({ name }) => name)
        expect(new Set(names).size).toBe(names.length)
        const total = tables.reduce((sum, { bytes }) => sum + bytes, 0)
        const largest = Math.max(0, ...tables.map(({ bytes }) => bytes))
        for (const part of named) {
          expect(part.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(total / parts + largest)
        }
      },
    ),
  )
})

test.each([
  ['500kB', 500_000],
  ['20MB', 20_000_000],
  ['1.5GB', 1_500_000_000],
  ['12B', 12],
  ['12', undefined],
  ['-1MB', undefined],
  ['1 MB', undefined],
])('the size %s', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes)
})
test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1500, '1.5 kB'],
  [999_600, '1.0 MB'],
  [118_000_000_000, '118 GB'],
])('%d bytes', (bytes, text) => {
  expect(formatSize(bytes)).toBe(text)
})
