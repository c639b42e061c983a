import { z } from 'zod'
import type { AuditEntry } from '../../domain/release/audit.ts'
import type { ReleaseSet } from '../../domain/release/release-set.ts'

const actor = z.object({
  name: z.string(),
  host: z.string(),
  run: z.string().optional(),
  commit: z.string().optional(),
})

const state = z.object({
  revision: z.int(),
  chart: z.string(),
  image: z.string().optional(),
  values: z.string(),
  manifest: z.string(),
})

/** Release sets as they stand in the cluster. What a newer emr adds is left out, not refused. */
export const releaseSetSchema: z.ZodType<ReleaseSet> = z.object({
  id: z.string(),
  operation: z.enum(['deploy', 'rollback', 'set', 'scale', 'restart']),
  environment: z.string(),
  by: actor,
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime().optional(),
  outcome: z.enum(['running', 'good', 'ready', 'rolled-back', 'failed', 'interrupted', 'abandoned']),
  request: z.object({
    services: z.array(z.string()),
    tags: z.record(z.string(), z.string()).optional(),
    change: z.record(z.string(), z.string()).optional(),
    to: z.string().optional(),
    replicas: z.int().optional(),
  }),
  planned: z.record(z.string(), z.string()).optional(),
  phases: z.array(z.object({ name: z.string(), startedAt: z.string(), endedAt: z.string().optional() })),
  services: z.record(z.string(), z.object({ before: state.optional(), after: state.optional() })),
  proven: z.boolean().optional(),
  restored: z.string().optional(),
  failure: z.string().optional(),
}) as z.ZodType<ReleaseSet>

/** Entries of the audit log: loose, because a field that was added by hand must show up in the hash. */
export const auditEntrySchema: z.ZodType<AuditEntry> = z.looseObject({
  sequence: z.int(),
  previous: z.string(),
  id: z.string(),
  operation: z.string(),
  by: z.looseObject({ name: z.string(), host: z.string() }),
  startedAt: z.string(),
  durationMs: z.number(),
  request: z.record(z.string(), z.unknown()),
  outcome: z.string(),
  hash: z.string(),
}) as z.ZodType<AuditEntry>
