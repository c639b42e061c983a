/** The parts of `terraform show -json PLANFILE` that decide. */
export interface TerraformPlan {
  resources: PlannedResource[]
  /** What differs from the state because somebody changed it outside Terraform. */
  drift: PlannedResource[]
  /** What changes in the outputs of the module. */
  outputs: PlannedOutput[]
  /** AWS region that the module works in; undefined for a module that does not say. */
  region?: string
}

/** An output of the module that the apply changes. */
export interface PlannedOutput {
  name: string
  action: 'create' | 'update' | 'delete'
  before: unknown
  after: unknown
  unknown: unknown
  sensitive: { before: unknown; after: unknown }
}

export interface PlannedResource {
  address: string
  /** Key of an object that a replacement left behind; its resource has another one. */
  deposed?: string
  /** What it is imported by: its id, or its identity as text. */
  importId?: string
  /** Its address before a `moved` block. */
  previousAddress?: string
  type: string
  actions: readonly string[]
  before: Attributes
  after: Attributes
  /** `true` in the place of each value that is known only after the apply. */
  unknown: Attributes
  /** `true` in the place of each value that must not be shown. */
  sensitive: { before: Attributes | boolean; after: Attributes | boolean }
  /** Paths of the attributes that cannot be changed in place. */
  replacePaths: (string | number)[][]
  /** Terraform's word for why, as in `delete_because_no_resource_config`. */
  reason: string | undefined
}

type Attributes = Record<string, unknown>

export type ResourceAction = 'create' | 'update' | 'replace' | 'delete' | 'forget' | 'import' | 'move'

export interface ResourceChange {
  address: string
  type: string
  action: ResourceAction
  /** Why it is replaced or deleted; what an update interrupts. */
  reasons: string[]
  /** What changes in a resource that exists. Sensitive values are hidden. */
  fields: { attribute: string; before: unknown; after: unknown }[]
}

/** A change of an output, with words in the place of secret and of unknown values. */
export type OutputChange = Pick<PlannedOutput, 'name' | 'action' | 'before' | 'after'>

const SENSITIVE = '(sensitive)'
const UNKNOWN = '(known after apply)'

/** What was changed outside Terraform, without what only looks different. */
export function classifyDrift(drift: readonly PlannedResource[]): ResourceChange[] {
  return classify(drift).filter(({ action, fields }) => action !== 'update' || fields.length > 0)
}

/** The changes of the outputs as they may be shown. */
export function classifyOutputs(outputs: readonly PlannedOutput[]): OutputChange[] {
  return outputs.map(({ name, action, before, after, unknown, sensitive }) => ({
    name,
    action,
    before: shown(before, undefined, sensitive.before) ?? null,
    after: shown(after, unknown, sensitive.after) ?? null,
  }))
}

/** What a plan does, resource by resource; what it leaves alone or only reads is left out. */
export function classify(resources: readonly PlannedResource[]): ResourceChange[] {
  return resources.flatMap((resource) => {
    const action = actionOf(resource)
    if (action === undefined) return []
    const { address, type } = resource
    const fields = action === 'update' || action === 'replace' ? fieldsOf(resource, action) : []
    return [{ address, type, action, reasons: reasonsOf(resource, action, fields), fields }]
  })
}

function actionOf({ actions, previousAddress, importId }: PlannedResource): ResourceAction | undefined {
  const words = new Set(actions)
  if (words.has('create') && (words.has('delete') || words.has('forget'))) return 'replace'
  for (const action of ['create', 'update', 'delete', 'forget'] as const) if (words.has(action)) return action
  if (importId !== undefined) return 'import'
  return previousAddress === undefined ? undefined : 'move'
}

/** In-place changes of these interrupt whoever is connected: a restart, or a failover at best. */
const RESTARTING: Record<string, readonly string[]> = {
  aws_db_instance: [
    'instance_class',
    'engine_version',
    'parameter_group_name',
    'multi_az',
    'ca_cert_identifier',
  ],
  aws_elasticache_replication_group: ['node_type', 'engine_version', 'parameter_group_name'],
  aws_msk_cluster: ['broker_node_group_info', 'kafka_version', 'configuration_info'],
  aws_eks_node_group: ['version', 'release_version', 'launch_template'],
  aws_eks_cluster: ['version'],
}

const REASONS: Record<string, string> = {
  replace_because_tainted: 'tainted: its creation failed halfway',
  replace_by_request: 'asked for',
  replace_by_triggers: 'something that it depends on changes',
  delete_because_no_resource_config: 'no longer in the configuration',
  delete_because_wrong_repetition: 'its count or for_each is gone',
  delete_because_count_index: 'count is smaller',
  delete_because_each_key: 'its key is no longer in for_each',
  delete_because_no_module: 'its module is gone',
}

function reasonsOf(
  resource: PlannedResource,
  action: ResourceAction,
  fields: ResourceChange['fields'],
): string[] {
  const { type, reason, replacePaths } = resource
  const reasons = originOf(resource)
  if (action === 'update') {
    const restarting = fields.filter(({ attribute }) => RESTARTING[type]?.includes(attribute))
    if (restarting.length > 0) {
      reasons.push(`${restarting.map(({ attribute }) => attribute).join(', ')} interrupts connections`)
    }
    return reasons
  }
  const paths = [...new Set(replacePaths.map((path) => path.join('.')))]
  if (paths.length > 0) reasons.push(`${paths.join(', ')} cannot be changed in place`)
  else if (reason !== undefined && REASONS[reason]) reasons.push(REASONS[reason])
  return reasons
}

/** Where the object comes from, if not from this resource as it is. */
function originOf({ previousAddress, importId, deposed }: PlannedResource): string[] {
  return [
    ...(previousAddress === undefined ? [] : [`moved from ${previousAddress}`]),
    ...(importId === undefined ? [] : [`imported by ${importId}`]),
    ...(deposed === undefined ? [] : [`deposed object ${deposed}`]),
  ]
}

function fieldsOf(
  { before, after, unknown, sensitive, replacePaths }: PlannedResource,
  action: ResourceAction,
): ResourceChange['fields'] {
  const names = new Set([...Object.keys(before), ...Object.keys(after), ...Object.keys(unknown)])
  const causes = new Set(replacePaths.map(([attribute]) => attribute))
  return [...names].sort().flatMap((attribute) => {
    const willBe = shown(after[attribute], unknown[attribute], false)
    if (VOLATILE.has(attribute) || isSame(before[attribute], willBe)) return []
    // What AWS fills in is unset, or unknown, in every resource that is made anew.
    if (action === 'replace' && !causes.has(attribute) && (isEmpty(willBe) || willBe === UNKNOWN)) return []
    return [
      {
        attribute,
        before: shown(before[attribute], undefined, markOf(sensitive.before, attribute)) ?? null,
        after: shown(after[attribute], unknown[attribute], markOf(sensitive.after, attribute)) ?? null,
      },
    ]
  })
}

/** Clocks: they differ each time that somebody looks. */
const VOLATILE = new Set(['latest_restorable_time'])

/** AWS answers with an empty list where nothing was set, which is no difference. */
function isSame(a: unknown, b: unknown): boolean {
  return (isEmpty(a) && isEmpty(b)) || JSON.stringify(a) === JSON.stringify(b)
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true
  return typeof value === 'object' && Object.keys(value).length === 0
}

function markOf(marks: Attributes | boolean, attribute: string): unknown {
  return typeof marks === 'boolean' ? marks : marks[attribute]
}

/** A value as it may be shown: what is secret or not yet known has a word in its place. */
function shown(value: unknown, unknown: unknown, sensitive: unknown): unknown {
  if (sensitive === true) return SENSITIVE
  if (unknown === true) return UNKNOWN
  if (Array.isArray(value))
    return value.map((item, index) => shown(item, at(unknown, index), at(sensitive, index)))
  if (typeof value !== 'object' || value === null) return value
  const names = new Set([...Object.keys(value), ...Object.keys(isMap(unknown) ? unknown : {})])
  return Object.fromEntries(
    [...names].map((name) => [name, shown(at(value, name), at(unknown, name), at(sensitive, name))]),
  )
}

function at(container: unknown, key: string | number): unknown {
  return typeof container === 'object' && container !== null ? (container as Attributes)[key] : undefined
}

function isMap(value: unknown): value is Attributes {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * A plan's changes as one text: equal for two plans that would do the same. Secret values are left out, since some are
 * drawn anew for each plan; so is what will be known only after the apply.
 */
export function planText(
  resources: readonly PlannedResource[],
  outputs: readonly PlannedOutput[] = [],
): string {
  const changed = classifyOutputs(outputs).map(({ name, action, after }) =>
    JSON.stringify(['output', name, action, sorted(after)]),
  )
  const lines = resources
    .filter((resource) => actionOf(resource) !== undefined)
    .map((resource) => {
      const { address, previousAddress, importId, deposed, actions, replacePaths } = resource
      const after = sorted(shown(resource.after, resource.unknown, resource.sensitive.after))
      return JSON.stringify([
        ...[address, previousAddress, actions, after, replacePaths],
        ...(importId === undefined && deposed === undefined ? [] : [importId, deposed]),
      ])
    })
  return [...lines, ...changed].sort().join('\n')
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isMap(value)) return value
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key])]),
  )
}
