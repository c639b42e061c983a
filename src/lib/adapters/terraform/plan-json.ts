import { z } from 'zod'
import type { PlannedResource, TerraformPlan } from '../../domain/terraform/plan.ts'

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
    replace_paths: z.array(z.array(z.union([z.string(), z.number()]))).default([]),
  }),
})

/** https://developer.hashicorp.com/terraform/internals/json-format */
const planSchema = z.looseObject({
  resource_changes: z.array(resourceSchema).default([]),
  resource_drift: z.array(resourceSchema).default([]),
  variables: z.looseObject({ aws_region: z.looseObject({ value: z.string() }).optional() }).default({}),
})

/** Reads the output of `terraform show -json PLANFILE`, which holds every secret of the plan in clear. */
export function parsePlan(text: string): TerraformPlan {
  const plan = planSchema.parse(JSON.parse(text))
  return {
    resources: managed(plan.resource_changes),
    drift: managed(plan.resource_drift),
    region: plan.variables.aws_region?.value,
  }
}

function managed(resources: z.infer<typeof resourceSchema>[]): PlannedResource[] {
  return resources
    .filter(({ mode }) => mode === 'managed')
    .map(({ address, previous_address, type, action_reason, change }) => ({
      address,
      previousAddress: previous_address,
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
