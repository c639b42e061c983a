import { z } from 'zod'
import type { PlannedOutput, PlannedResource, TerraformPlan } from '../../domain/terraform/plan.ts'
import { foreignJson } from '../../foreign.ts'

const attributes = z
  .record(z.string(), z.unknown())
  .nullish()
  .transform((value) => value ?? {})
const marks = z
  .union([z.boolean(), z.record(z.string(), z.unknown())])
  .nullish()
  .transform((value) => value ?? {})

const resourceSchema = z.looseObject({
  address: z.string(),
  previous_address: z.string().optional(),
  deposed: z.string().optional(),
  mode: z.string(),
  type: z.string(),
  action_reason: z.string().optional(),
  change: z.looseObject({
    actions: z.array(z.string()),
    before: attributes,
    after: attributes,
    after_unknown: z.union([z.boolean(), z.record(z.string(), z.unknown())]).nullish(),
    before_sensitive: marks,
    after_sensitive: marks,
    importing: z.looseObject({ id: z.string().optional(), identity: z.unknown().optional() }).nullish(),
    replace_paths: z.array(z.array(z.union([z.string(), z.number()]))).default([]),
  }),
})

const outputSchema = z.looseObject({
  actions: z.array(z.string()),
  before: z.unknown().optional(),
  after: z.unknown().optional(),
  after_unknown: z.unknown().optional(),
  before_sensitive: z.unknown().optional(),
  after_sensitive: z.unknown().optional(),
})

/** https://developer.hashicorp.com/terraform/internals/json-format */
const planSchema = z.looseObject({
  resource_changes: z.array(resourceSchema).default([]),
  resource_drift: z.array(resourceSchema).default([]),
  output_changes: z.record(z.string(), outputSchema).default({}),
  variables: z.looseObject({ aws_region: z.looseObject({ value: z.string() }).optional() }).default({}),
})

/** Reads the output of `terraform show -json PLANFILE`, which holds every secret of the plan in clear. */
export function parsePlan(text: string): TerraformPlan {
  const plan = foreignJson('terraform show', text, (json) => planSchema.parse(json))
  return {
    resources: managed(plan.resource_changes),
    drift: managed(plan.resource_drift),
    outputs: Object.entries(plan.output_changes).flatMap(([name, change]) => outputOf(name, change)),
    region: plan.variables.aws_region?.value,
  }
}

function managed(resources: z.infer<typeof resourceSchema>[]): PlannedResource[] {
  return resources
    .filter(({ mode }) => mode === 'managed')
    .map(({ address, previous_address, deposed, type, action_reason, change }) => ({
      address,
      ...(previous_address !== undefined && { previousAddress: previous_address }),
      ...(deposed !== undefined && { deposed }),
      ...(change.importing && { importId: importIdOf(change.importing) }),
      type,
      actions: change.actions,
      before: change.before,
      after: change.after,
      unknown: typeof change.after_unknown === 'object' ? (change.after_unknown ?? {}) : {},
      sensitive: { before: change.before_sensitive, after: change.after_sensitive },
      replacePaths: change.replace_paths,
      reason: action_reason,
    }))
}

/** Terraform knows an id, or since 1.12 an identity of several attributes, or only at the apply what to import. */
function importIdOf({ id, identity }: { id?: string; identity?: unknown }): string {
  return id ?? (identity === undefined ? '(known after apply)' : JSON.stringify(identity))
}

function outputOf(name: string, change: z.infer<typeof outputSchema>): PlannedOutput[] {
  const action = (['create', 'update', 'delete'] as const).find((word) => change.actions.includes(word))
  if (action === undefined) return []
  const { before, after, after_unknown: unknown, before_sensitive, after_sensitive } = change
  return [
    { name, action, before, after, unknown, sensitive: { before: before_sensitive, after: after_sensitive } },
  ]
}
