import { z } from 'zod'

export interface Diagnostic {
  severity: 'error' | 'warning'
  summary: string
  detail: string
  /** Resource that it is about, or the place in the configuration. */
  where: string | undefined
}

/** One line of what `terraform plan -json` and `apply -json` say while they run. */
export type TerraformEvent =
  | { kind: 'diagnostic'; diagnostic: Diagnostic }
  | { kind: 'planned'; address: string }
  | { kind: 'started' | 'running' | 'done' | 'failed'; address: string; action: string; seconds: number }

const lineSchema = z.looseObject({
  type: z.string(),
  hook: z
    .looseObject({
      resource: z.looseObject({ addr: z.string() }),
      action: z.string().default(''),
      elapsed_seconds: z.number().default(0),
    })
    .optional(),
  change: z.looseObject({ resource: z.looseObject({ addr: z.string() }) }).optional(),
  diagnostic: z
    .looseObject({
      severity: z.enum(['error', 'warning']),
      summary: z.string(),
      detail: z.string().default(''),
      address: z.string().optional(),
      range: z.looseObject({ filename: z.string(), start: z.looseObject({ line: z.number() }) }).optional(),
    })
    .optional(),
})

const KINDS: Record<string, 'started' | 'running' | 'done' | 'failed'> = {
  apply_start: 'started',
  apply_progress: 'running',
  apply_complete: 'done',
  apply_errored: 'failed',
}

/** @returns undefined for a line that says nothing of these: version, outputs, logs, or no JSON at all */
export function parseEvent(line: string): TerraformEvent | undefined {
  const parsed = lineSchema.safeParse(asJson(line))
  if (!parsed.success) return undefined
  const { type, hook, change, diagnostic } = parsed.data
  if (diagnostic) {
    const { severity, summary, detail, address, range } = diagnostic
    const where = address ?? (range && `${range.filename}:${range.start.line}`)
    return { kind: 'diagnostic', diagnostic: { severity, summary, detail, where } }
  }
  if (type === 'planned_change' && change) return { kind: 'planned', address: change.resource.addr }
  const kind = KINDS[type]
  if (kind === undefined || hook === undefined) return undefined
  return { kind, address: hook.resource.addr, action: hook.action, seconds: hook.elapsed_seconds }
}

function asJson(line: string): unknown {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
