import { z } from 'zod'
import { isLsn } from '../../domain/backup/lsn.ts'

const lsn = z.string().refine(isLsn, 'is no LSN')
const point = z.object({ lsn, time: z.iso.datetime({ offset: true }) })

const base = {
  format: z.literal(1),
  id: z.string(),
  environment: z.string(),
  chain: z.string(),
  database: z.object({
    name: z.string(),
    systemId: z.string(),
    timeline: z.int(),
    oid: z.int(),
    resourceId: z.string().optional(),
  }),
  serverMajor: z.int(),
  slot: z.string(),
  end: point,
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  schemaFingerprint: z.string(),
  objects: z.array(
    z.object({
      name: z.string().regex(/^[\w.-]+$/),
      content: z.enum(['schema', 'data', 'segment']),
      bytes: z.int().min(0),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
    }),
  ),
  annotations: z.record(z.string(), z.string()),
  populatedViews: z.array(z.object({ schema: z.string(), name: z.string() })).optional(),
}

const column = z.object({ schema: z.string(), table: z.string(), column: z.string() })
const sequence = z.object({
  schema: z.string(),
  name: z.string(),
  lastValue: z.string().regex(/^-?\d+$/),
  isCalled: z.boolean(),
})

/** What a manifest in the store looks like; it may have been written by another version, or damaged. */
export const manifestSchema = z.discriminatedUnion('kind', [
  z.object({
    ...base,
    kind: z.literal('full'),
    reason: z.string().optional(),
    tableBytes: z.number(),
    identities: z.array(column),
    roles: z.array(z.string()),
    uncaptured: z.array(z.string()).optional(),
    extensionTables: z
      .array(
        z.object({
          schema: z.string(),
          name: z.string(),
          extension: z.string(),
          rows: z.enum(['own', 'none']),
        }),
      )
      .optional(),
    omitted: z.array(z.string()).optional(),
    locale: z
      .object({
        encoding: z.string(),
        collate: z.string(),
        ctype: z.string(),
        provider: z.enum(['libc', 'icu', 'builtin']),
        locale: z.string().nullable(),
        rules: z.string().nullable(),
      })
      .optional(),
  }),
  z.object({
    ...base,
    kind: z.literal('incremental'),
    parent: z.string(),
    start: point,
    sequences: z.array(sequence),
    transactions: z.int(),
    changes: z.int(),
  }),
])
