import { afterAll, beforeAll, describe, test } from 'vitest'
import { hasPostgres, type PostgresServer, startPostgres } from '../../support/postgres.ts'
import { expectSame } from './judge.ts'
import { backupProject, newDatabase, open } from './project.ts'

const TYPES = `
CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE EXTENSION ltree;
CREATE SCHEMA my;
CREATE TYPE my.mood AS ENUM ('good', 'so so');
CREATE TYPE my.place AS (street text, "No" int);
CREATE TYPE my.nested AS (place my.place, moods my.mood[]);
CREATE DOMAIN my.small AS int CHECK (VALUE < 100);
CREATE DOMAIN my.smaller AS my.small CHECK (VALUE < 50);
CREATE DOMAIN my.here AS my.place;
CREATE DOMAIN my.code AS char(3);
CREATE DOMAIN my.bits AS bit(3);
CREATE TYPE my.span AS RANGE (subtype = numeric);
CREATE COLLATION my.blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE my.named (id int PRIMARY KEY);`

/** Type of a column, two values of it. */
const KEYS: [string, string, string][] = [
  ['my.place', `'(a,1)'`, `'(a,)'`],
  ['my.here', `'(a,1)'`, `'(,)'`],
  ['my.nested', `'("(a,)","{good}")'`, `'(,"{}")'`],
  ['my.smaller', '1', '2'],
  ['my.code', `'ab'`, `'abc'`],
  ['my.bits', `'101'`, `'111'`],
  ['bit(9)', `'101010101'`, `'101010100'`],
  ['varbit', `'101'`, `'1'`],
  ['char(5)', `'ab'`, `'b'`],
  ['"char"', `'a'`, `'b'`],
  ['name', `'a'`, `'b'`],
  ['my.mood', `'good'`, `'so so'`],
  ['my.mood[]', `'{good,NULL}'`, `'{}'`],
  ['my.smaller[]', `'{1}'`, `'{2,NULL}'`],
  ['my.place[]', `'{"(a,)"}'`, `'{NULL}'`],
  ['my.span', `'[1.0,2)'`, `'empty'`],
  ['int4multirange', `'{[1,3),[5,7)}'`, `'{}'`],
  ['my.span[]', `'{"[1,2)"}'`, `'{}'`],
  ['regclass', `'my.named'`, `'pg_class'`],
  ['regtype', `'my.place'`, `'int'`],
  ['oid', '1', '4294967295'],
  ['citext', `'Ab'`, `'b'`],
  ['ltree', `'a.b'`, `'a'`],
  ['hstore', `'a=>NULL'`, `'a=>1'`],
  ['text COLLATE my.blind', `'Ab'`, `'b'`],
  ['numeric', `'1.10'`, `'NaN'`],
  ['float8', `'0.1'`, `'-0'`],
  ['timestamptz', `'2020-01-01 00:00:00.123456+05:30'`, `'infinity'`],
  ['interval', `'1 mon -1 day'`, `'24:00'`],
  ['jsonb', `'{"a":1.00}'`, `'null'`],
  ['bytea', `'\\x00ff'`, `''`],
  ['inet', `'10.0.0.1/8'`, `'::1'`],
  ['tsvector', `'a:1A b:2'`, `''`],
  ['pg_lsn', `'0/1'`, `'0/2'`],
  ['xid8', `'1'`, `'2'`],
]
/** No B-tree orders these, so they are in no key. */
const VALUES: [string, string, string][] = [
  ...KEYS,
  ['json', `'{"a" : 1}'`, `'null'`],
  ['xml', `'<a/>'`, `'text'`],
  ['point', `'(1,2)'`, `'(1e-320,-0)'`],
  ['polygon', `'((0,0),(1,1),(1,0))'`, `'((0,0))'`],
  ['jsonpath', `'$.a'`, `'$'`],
  ['json[]', `'{NULL,"1"}'`, `'{}'`],
  ['text', `''`, `'NULL'`],
]

describe.skipIf(!hasPostgres)('a row is found, whatever tells which one it is', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server?.stop())

  /** A full backup of what the first statements make, an incremental of the second ones. */
  async function chain(setup: string, change: string) {
    const source = await newDatabase(server)
    const client = await open(source)
    await client.query(setup)
    const project = backupProject(source)
    await project.json('full', '--fix-identity')
    await client.query(change)
    const made = await project.json<{ kind: string }>('incremental')
    if (made.kind !== 'incremental') throw new Error('the chain ended')
    await expectSame(project, source)
  }

  test('by a key of any type', async () => {
    const tables = KEYS.map(([type, a, b], index) => {
      return `CREATE TABLE k${index} (id ${type} PRIMARY KEY, v int); INSERT INTO k${index} VALUES (${a}, 1), (${b}, 2)`
    })
    const changes = KEYS.map((_key, index) => {
      return `UPDATE k${index} SET v = 3 WHERE v = 1; DELETE FROM k${index} WHERE v = 2`
    })
    await chain(`${TYPES}; ${tables.join(';')}`, changes.join(';'))
  })

  test.each(['FULL', 'USING INDEX'])('by a row or an index, REPLICA IDENTITY %s', async (identity) => {
    const isFull = identity === 'FULL'
    const tables = (isFull ? VALUES : KEYS).map(([type, a, b], index) => {
      const t = `t${index}`
      const key = isFull
        ? ''
        : `; ALTER TABLE ${t} ALTER id SET NOT NULL; CREATE UNIQUE INDEX ${t}_i ON ${t} (id)`
      return `CREATE TABLE ${t} (id ${type}, v int, gone int); ALTER TABLE ${t} DROP COLUMN gone
        ${key}; ALTER TABLE ${t} REPLICA IDENTITY ${isFull ? 'FULL' : `USING INDEX ${t}_i`};
        INSERT INTO ${t} VALUES (${a}, 1), (${b}, 2)${isFull ? ', (NULL, 4), (NULL, 4), (NULL, NULL)' : ''}`
    })
    const changes = tables.map((_table, index) => {
      return `UPDATE t${index} SET v = 3 WHERE v = 1; DELETE FROM t${index} WHERE v = 2;
        ${isFull ? `UPDATE t${index} SET v = 5 WHERE ctid = (SELECT min(ctid) FROM t${index} WHERE v = 4); DELETE FROM t${index} WHERE v IS NULL` : ''}`
    })
    await chain(`${TYPES}; ${tables.join(';')}`, changes.join(';'))
  })

  test('of that table alone, where others inherit from it', async () => {
    const tree = (key: string, identity: string, name: string) => `
      CREATE TABLE ${name} (id int ${key}, v text); CREATE TABLE ${name}_1 (id int ${key}, more int) INHERITS (${name});
      CREATE TABLE ${name}_2 () INHERITS (${name}_1);
      ${key === '' ? '' : `ALTER TABLE ${name}_2 ADD PRIMARY KEY (id);`}
      ${['', '_1', '_2'].map((suffix) => `ALTER TABLE ${name}${suffix} REPLICA IDENTITY ${identity}; INSERT INTO ${name}${suffix} (id, v) VALUES (1, 'a'), (2, 'b'), (3, 'c')`).join(';')};`
    const change = (
      name: string,
    ) => `UPDATE ONLY ${name} SET v = 'parent' WHERE id = 1; DELETE FROM ONLY ${name} WHERE id = 2;
      UPDATE ${name}_1 SET v = 'all below' WHERE id = 3; DELETE FROM ONLY ${name}_1 WHERE id = 1; UPDATE ${name} SET id = 7 WHERE id = 3`
    await chain(
      tree('PRIMARY KEY', 'DEFAULT', 'keyed') + tree('', 'FULL', 'bare'),
      `${change('keyed')}; ${change('bare')}`,
    )
  })

  test('with an index beside it, a generated column and large values, in partitions of partitions too', async () => {
    await chain(
      `CREATE TABLE t (id int PRIMARY KEY, v text, twice int GENERATED ALWAYS AS (id * 2) STORED, big text);
       ALTER TABLE t ALTER big SET STORAGE EXTERNAL; ALTER TABLE t REPLICA IDENTITY FULL;
       INSERT INTO t (id, v, big) SELECT n, 'a', repeat(n::text, 200000) FROM generate_series(1, 3) n;
       CREATE TABLE p (id int, at date, v text) PARTITION BY RANGE (at);
       CREATE TABLE p_1 PARTITION OF p FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') PARTITION BY LIST (id);
       CREATE TABLE p_1_1 PARTITION OF p_1 FOR VALUES IN (1, 2); CREATE TABLE p_1_d PARTITION OF p_1 DEFAULT;
       CREATE TABLE only_generated (n int GENERATED ALWAYS AS (1) STORED); CREATE TABLE no_columns ();
       INSERT INTO p SELECT n, '2026-05-05', 'x' FROM generate_series(1, 5) n`,
      `UPDATE t SET v = 'b' WHERE id = 1; UPDATE t SET id = 9 WHERE id = 2; UPDATE t SET big = 'small' WHERE id = 3;
       UPDATE t SET big = big || 'x' WHERE id = 1; UPDATE t SET v = v; INSERT INTO only_generated DEFAULT VALUES;
       INSERT INTO no_columns DEFAULT VALUES; UPDATE p SET id = 2 WHERE id = 5; DELETE FROM p WHERE id = 1; UPDATE p SET v = NULL`,
    )
  })
})
