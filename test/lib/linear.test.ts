import { describe, expect, test } from 'vitest'
import { ListSplitter } from '../../src/lib/adapters/kubernetes/list-splitter.ts'
import { parseEvent } from '../../src/lib/adapters/terraform/events.ts'
import { parseLock } from '../../src/lib/adapters/terraform/failures.ts'
import { databaseTrouble } from '../../src/lib/domain/diagnosis/database.ts'
import { withEllipsis } from '../../src/lib/domain/ellipsis.ts'
import { repositoryOf, tagOf } from '../../src/lib/domain/image.ts'
import { LineSplitter } from '../../src/lib/domain/lines.ts'
import { LogCursor } from '../../src/lib/domain/logs/cursor.ts'
import { maskedStart, maskPatientData } from '../../src/lib/domain/logs/mask.ts'
import { fieldChanges } from '../../src/lib/domain/manifest/diff.ts'
import { nodeComing, schedulingFinding } from '../../src/lib/domain/rollout/scheduling.ts'
import { withoutRowValues, withoutValues } from '../../src/lib/domain/row-values.ts'
import { clean } from '../../src/lib/output/clean.ts'
import { clip, wrap } from '../../src/lib/output/dashboard/clip.ts'
import { table } from '../../src/lib/output/table.ts'
import { redact } from '../../src/lib/process/command.ts'
import { pod } from './domain/rollout/facts.ts'

const SMALL = 8 * 1024
const FACTOR = 8
/** Below this a measurement is noise. */
const FLOOR_MS = 4
/** A linear function takes 8 times as long, a quadratic one 64 times. */
const TIMES = 20

/** Pieces that repeated make the most of each expression: openings without an end, almost the whole of what is looked for. */
const HOSTILE = [
  ...[
    'a',
    'a.',
    'a-',
    '.',
    '@',
    'a@',
    'a@b',
    'a@b.',
    'x@x.x@',
    ' ',
    '\t',
    '\n',
    '\r',
    'é',
    '😀',
    '1',
    '111-',
    '(111',
  ],
  ...[
    '"',
    "'",
    '\\',
    '\\"',
    '""',
    '"line":[',
    '"dob":"',
    '"dob":[',
    '"dob" ',
    '\\"dob\\":\\"',
    'dob=',
    'dob="',
    "dob='",
  ],
  ...[
    'dob = ',
    'dob ',
    '"email":"a\\',
    'PID|',
    'Patient/',
    'patient ',
    'patient A',
    'patient Ab-',
    'born ',
    'ssn ',
  ],
  ...['://', '://a:', '://a:b', 'a://', 'MRN', 'MRN #', 'MRN1', 'Bearer ', 'AKIA', 'patient_', 'http://u:'],
  ...[
    '{',
    '}',
    '[',
    '{"a":',
    '"a":"b",',
    '"items" ',
    '"items":[',
    '{"a":[],',
    'a: b\n',
    'a,b ',
    ', 1 ',
    '0x00 ',
  ],
  ...['\x1b', '\x1b[', '\x1b]', '\x1b]0;', '\x1b[31m', '\x9d', '\u200b', '\u202e', '\x00'],
  ...[
    'max size ',
    'max',
    'dial tcp ',
    'manifest for ',
    'persistentvolumeclaim "',
    '5432 dial tcp ',
    'failed to sync ',
  ],
  ...[
    'table "a" ',
    'table "',
    'DETAIL: Key (a',
    'COPY a',
    'ERROR:  ',
    'pg_dump: detail: ',
    'CONTEXT: COPY a, line 1',
  ],
  ...['Lock Info:\nCreated: ', 'Lock Info:\n │', 'Created: 1 1', 'secret "', 'in Secret '],
]

const FUNCTIONS: Record<string, (text: string) => unknown> = {
  maskPatientData,
  'maskedStart, to a line': (text) => maskedStart(text, 4096),
  redact: (text) => redact(text, ['secret', 'a', '"', text.slice(0, 8)]),
  withoutValues,
  withoutRowValues,
  withEllipsis: (text) => withEllipsis(text, 80),
  clean,
  clip: (text) => clip(text, 80),
  wrap: (text) => wrap(text, 80),
  table: (text) => table(['A', 'B'], [[text, text], ...text.split(' ').map((word) => [word, word])]),
  'LineSplitter, one piece': (text) => lines([text]),
  'LineSplitter, many pieces': (text) => lines(text.match(/[\s\S]{1,64}/g) ?? []),
  'LogCursor, read anew': (text) => {
    const cursor = new LogCursor()
    const all = text.match(/[\s\S]{1,64}/g) ?? []
    for (let round = 0; round < 2; round += 1) {
      cursor.catchUp()
      for (const line of all) cursor.take(`2026-03-14T03:15:00.000000001Z ${line}`)
    }
  },
  'ListSplitter, many pieces': (text) => {
    const splitter = new ListSplitter()
    const bytes = Buffer.from(`{${text}`)
    for (let from = 0; from < bytes.length; from += 512) splitter.push(bytes.subarray(from, from + 512))
  },
  'fieldChanges, text': (text) => fieldChanges({ data: { a: text } }, { data: { a: `${text}b` } }),
  'fieldChanges, list': (text) => {
    const list = (text.match(/[\s\S]{1,16}/g) ?? []).map((value, index) => ({ name: `${index}`, value }))
    return fieldChanges({ env: list }, { env: list.toReversed() })
  },
  parseEvent: (text) => parseEvent(`{"type":"${text}`),
  parseLock: (text) => parseLock(`Lock Info:\n${text}`),
  databaseTrouble: (text) => databaseTrouble([`postgres ${text}`]),
  repositoryOf,
  tagOf,
  schedulingFinding: (text) =>
    schedulingFinding(
      {
        ...pod('web'),
        unscheduled: { reason: 'Unschedulable', message: `0/3 nodes are available: ${text}`, at: 0 },
      } as never,
      [],
    ),
  nodeComing: (text) => nodeComing([{ reason: 'Nominated', message: text, at: 1 } as never]),
}

function lines(pieces: string[]): string[] {
  const splitter = new LineSplitter()
  return [...pieces.flatMap((piece) => splitter.push(piece)), splitter.end() ?? '']
}

function milliseconds(run: () => unknown): number {
  const before = process.threadCpuUsage()
  run()
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1000
}

/** Whether it is slow each time: a busy machine, or a compiler, makes anything slow once. */
function isSlow(run: (text: string) => unknown, piece: string): boolean {
  const [small, large] = [SMALL, SMALL * FACTOR].map((length) => repeated(piece, length))
  return [1, 2, 3].every(() => {
    const before = Math.max(
      FLOOR_MS,
      milliseconds(() => run(String(small))),
    )
    return milliseconds(() => run(String(large))) > before * TIMES
  })
}

const repeated = (piece: string, length: number) =>
  piece.repeat(Math.ceil(length / piece.length)).slice(0, length)

describe('time grows with the length of a foreign text alone', () => {
  test.each(Object.entries(FUNCTIONS))('%s', { timeout: 60_000 }, (_, run) => {
    const slow = HOSTILE.filter((piece) => isSlow(run, piece))
    expect(slow).toEqual([])
  })

  test('a line of 16 MB that arrives in pieces is whole, or cut where only its beginning is wanted', () => {
    const pieces = Array.from({ length: 256 }, () => 'x'.repeat(65_536))
    expect(lines([...pieces, '\nnext'])).toEqual(['x'.repeat(256 * 65_536), 'next'])
    const short = new LineSplitter(10)
    expect([...pieces.flatMap((piece) => short.push(piece)), ...short.push('\na\n')]).toEqual([
      `${'x'.repeat(10)}…`,
      'a',
    ])
  })
})
