import fc from 'fast-check'
import { expect, test } from 'vitest'
import { withoutRowValues, withoutValues } from '../../../src/lib/domain/row-values.ts'

test.each([
  ['duplicate key value violates unique constraint "t_pkey"', undefined],
  ['null value in column "a" of relation "t" violates not-null constraint', undefined],
  ['role "reader" does not exist', undefined],
  ['invalid input syntax for type integer: "Jane "J" Doe"', 'invalid input syntax for type integer: "***"'],
  ['value "Jane" is out of range for type integer', 'value "***"'],
  ['invalid byte sequence for encoding "UTF8": 0xe4 0x6e', 'invalid byte sequence for encoding "UTF8": ***'],
])('%s', (message, shown = message) => {
  expect(withoutValues(message)).toBe(shown)
})

test('the words of pg_restore, without what is in the rows', () => {
  const stderr = `pg_restore: error: COPY failed for table "t": ERROR:  duplicate key value violates unique constraint "t_pkey"
DETAIL:  Key (ssn, name)=(123, Jane
Doe) already exists.
CONTEXT:  COPY t, line 3
pg_restore: error: COPY failed for table "t": ERROR:  invalid input syntax for type json
DETAIL:  Token "Jane" is invalid.
CONTEXT:  JSON data, line 1: Jane...
COPY t, line 4, column document: "Jane
Doe"
pg_restore: error: could not execute query: ERROR:  relation "x" does not exist
LINE 1: ALTER TABLE x
Command was: ALTER TABLE x
    ADD COLUMN y int;
`
  expect(
    withoutRowValues(stderr),
  ).toBe(`pg_restore: error: COPY failed for table "t": ERROR:  duplicate key value violates unique constraint "t_pkey"
DETAIL:  Key (ssn, name)=(***)
CONTEXT:  COPY t, line 3
pg_restore: error: COPY failed for table "t": ERROR:  invalid input syntax for type json
CONTEXT:  COPY t, line 4, column document
pg_restore: error: could not execute query: ERROR:  relation "x" does not exist
Command was: ALTER TABLE x
    ADD COLUMN y int;
`)
})

test('what a function of the database raises is in words that nobody knows', () => {
  const stderr = `pg_restore: error: could not execute query: ERROR:  Jane is too young
CONTEXT:  PL/pgSQL function f(text) line 1 at RAISE
Command was: CREATE INDEX i ON t (f(name));`
  expect(withoutRowValues(stderr)).toBe(`pg_restore: error: could not execute query: ERROR:  ***
Command was: CREATE INDEX i ON t (f(name));`)
})

const PLACES: ((value: string) => string)[] = [
  (value) =>
    `ERROR:  invalid input syntax for type integer: "${value}"\nCONTEXT:  COPY t, line 1, column a: "${value}"`,
  (value) =>
    `ERROR:  duplicate key value violates unique constraint "u"\nDETAIL:  Key (a)=(${value}) already exists.`,
  (value) =>
    `ERROR:  new row for relation "t" violates check constraint "c"\nDETAIL:  Failing row contains (${value}).`,
  (value) => `ERROR:  extra data after last expected column\nCONTEXT:  COPY t, line 2: "${value}"`,
  (value) =>
    `ERROR:  insert or update on table "b" violates foreign key constraint "b_fk"\nDETAIL:  Key (a)=(${value}) is not present in table "a".`,
]

test('no value is ever shown, whatever is in it', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', ' ', '"', '\n', '(', ')', ':', ',', '=', 'DETAIL:  ', 'CONTEXT:  '),
  })
  fc.assert(
    fc.property(fc.constantFrom(...PLACES), text, text, (place, before, after) => {
      const stderr = `pg_restore: error: COPY failed for table "t": ${place(`${before}SECRET${after}`)}`
      const shown = withoutRowValues(stderr)
      expect(shown).not.toContain('SECRET')
      expect(shown).toMatch(/^pg_restore: error: COPY failed for table "t": ERROR: {2}\w+/)
    }),
  )
})
