/** One thing that an identity may or may not do, in the words of RBAC. */
export interface AccessRequest {
  verb: string
  group: string
  /** `deployments`, or with its subresource `pods/log`. */
  resource: string
  /** Where: in the environment's namespace, in kube-system, or in the whole cluster. */
  scope: 'namespace' | 'kube-system' | 'cluster'
}

/** A call that a command makes. */
export interface Right extends AccessRequest {
  /** `explain`: denied, the command works all the same, and says what is not known. */
  purpose: 'work' | 'explain'
  /** For a call that not every run makes: when it does. */
  when?: string
}

type Options = Partial<Pick<Right, 'scope' | 'purpose' | 'when'>>

function rights(group: string, resources: string, verbs: string, options: Options = {}): Right[] {
  const base = { group, scope: 'namespace' as const, purpose: 'work' as const, ...options }
  return resources
    .split(' ')
    .flatMap((resource) => verbs.split(' ').map((verb) => ({ ...base, resource, verb })))
}

const EXPLAINS: Options = { purpose: 'explain' }

/** The kinds of which the charts consist. */
function ofCharts(verbs: string, options: Options = {}): Right[] {
  return [
    ...rights('', 'configmaps serviceaccounts services', verbs, options),
    ...rights('apps', 'deployments', verbs, options),
    ...rights('autoscaling', 'horizontalpodautoscalers', verbs, options),
    ...rights('policy', 'poddisruptionbudgets', verbs, options),
    ...rights('networking.k8s.io', 'ingresses networkpolicies', verbs, options),
    ...rights('external-secrets.io', 'externalsecrets', verbs, options),
  ]
}

/** `helm status` and `helm history`: releases are Secrets, and the status names the objects and pods of a release. */
const RELEASES = [...rights('', 'secrets', 'list'), ...rights('', 'pods', 'list'), ...ofCharts('get')]

/** `helm upgrade` and `helm rollback`; emr compares by dry run of the same patches. */
const HELM_WRITES = [
  ...rights('', 'secrets', 'get create update'),
  ...rights('', 'secrets', 'delete', { when: 'a release has more than ten revisions' }),
  ...ofCharts('patch'),
  ...ofCharts('delete', { when: 'an object is no longer part of its chart' }),
]

/** The release sets and the audit log, and the lock to know what is under way. */
const RECORDS = [...rights('', 'configmaps', 'list'), ...rights('coordination.k8s.io', 'leases', 'get')]

/** A change of the lock, which the audit log has. */
const AUDITED = [
  ...RECORDS,
  ...rights('', 'configmaps', 'create'),
  ...rights('coordination.k8s.io', 'leases', 'update'),
  ...rights('coordination.k8s.io', 'leases', 'create', { when: 'nothing was ever locked' }),
]
const FREEZE = [...rights('', 'namespaces', 'get'), ...AUDITED]

/** An operation under the lock, with its release set. */
const OPERATION = [...AUDITED, ...rights('', 'configmaps', 'get update')]

/** A rollout that is followed, and explained where it fails. */
const ROLLOUT = [
  ...rights('apps', 'deployments', 'get list watch'),
  ...rights('apps', 'replicasets', 'list watch'),
  ...rights('', 'pods', 'list watch'),
  ...rights('batch', 'jobs', 'list watch'),
  ...rights('autoscaling', 'horizontalpodautoscalers', 'list'),
  ...rights('', 'events', 'list watch', EXPLAINS),
  ...rights('', 'pods pods/log', 'get', { ...EXPLAINS, when: 'a rollout fails' }),
]

/** Smoke tests reach a Service through the API server, and find the gateway's name. */
const SMOKE_TESTS = [
  ...rights('', 'services/proxy', 'get', { when: 'a smoke test asks a Service' }),
  ...rights('networking.k8s.io', 'ingresses', 'list', { when: 'a smoke test asks the gateway' }),
]

const NAMESPACE = [
  ...rights('', 'namespaces', 'get'),
  ...rights('', 'namespaces', 'create', { scope: 'cluster', when: 'the namespace is missing' }),
]

const CHANGE = [...RELEASES, ...OPERATION, ...ROLLOUT]
const DEPLOY = [...NAMESPACE, ...CHANGE, ...HELM_WRITES, ...ofCharts('create'), ...SMOKE_TESTS]

/**
 * The calls of each command to the API server of the cluster, its helm's included. From this the commands check their
 * rights before the first change, docs/rights.md is made, and a test compares it with what really is asked.
 */
export const RIGHTS = {
  deploy: DEPLOY,
  set: DEPLOY,
  rollback: [
    ...CHANGE,
    ...HELM_WRITES,
    ...ofCharts('create', { when: 'an object is missing that the earlier revision has' }),
    ...SMOKE_TESTS,
  ],
  scale: [
    ...CHANGE,
    ...rights('apps', 'deployments/scale', 'patch'),
    ...rights('autoscaling', 'horizontalpodautoscalers', 'list patch'),
  ],
  restart: [
    ...CHANGE,
    ...rights('apps', 'deployments', 'patch'),
    ...rights('autoscaling', 'horizontalpodautoscalers', 'list'),
  ],
  lock: FREEZE,
  unlock: FREEZE,
  history: [...RECORDS, ...rights('apps', 'deployments', 'list')],
  monitor: [
    ...rights('apps', 'replicasets', 'list watch'),
    ...rights('', 'configmaps', 'list watch'),
    ...rights('coordination.k8s.io', 'leases', 'list watch'),
    ...rights('', 'secrets', 'list', EXPLAINS),
    ...rights('apps', 'deployments', 'list watch'),
    ...rights('', 'pods services', 'list watch'),
    ...rights('discovery.k8s.io', 'endpointslices', 'list watch'),
    ...rights('networking.k8s.io', 'ingresses', 'list watch'),
    ...rights('autoscaling', 'horizontalpodautoscalers', 'list watch'),
    ...rights('', 'events', 'list watch', EXPLAINS),
    ...rights('', 'nodes', 'list watch', { scope: 'cluster', ...EXPLAINS }),
    ...rights('metrics.k8s.io', 'pods', 'list', EXPLAINS),
    ...rights('metrics.k8s.io', 'nodes', 'list', { scope: 'cluster', ...EXPLAINS }),
  ],
  diagnose: [
    ...rights('coordination.k8s.io', 'leases', 'get'),
    ...rights('apps', 'deployments replicasets', 'list'),
    ...rights('', 'pods services configmaps serviceaccounts persistentvolumeclaims resourcequotas', 'list'),
    ...rights('batch', 'jobs', 'list'),
    ...rights('discovery.k8s.io', 'endpointslices', 'list'),
    ...rights('networking.k8s.io', 'ingresses networkpolicies', 'list'),
    ...rights('autoscaling', 'horizontalpodautoscalers', 'list'),
    ...rights('policy', 'poddisruptionbudgets', 'list'),
    ...rights('external-secrets.io', 'externalsecrets', 'list'),
    ...rights('', 'events', 'list', EXPLAINS),
    ...rights('', 'secrets', 'list', EXPLAINS),
    ...rights('', 'pods/log', 'get', EXPLAINS),
    ...rights('metrics.k8s.io', 'pods', 'list', EXPLAINS),
    ...rights('', 'nodes', 'list', { scope: 'cluster', ...EXPLAINS }),
    ...rights('metrics.k8s.io', 'nodes', 'list', { scope: 'cluster', ...EXPLAINS }),
    ...rights('apps', 'deployments', 'get', { scope: 'kube-system', ...EXPLAINS }),
  ],
  logs: [
    ...rights('', 'pods', 'list'),
    ...rights('', 'pods', 'get watch', { when: 'logs are followed' }),
    ...rights('', 'pods/log', 'get'),
    ...rights('', 'configmaps', 'list create', { when: '--unmasked is put on record' }),
  ],
} satisfies Record<string, Right[]>

export type RightsOf = keyof typeof RIGHTS

/** Each call once; what one part of a command needs is needed. */
export function distinctRights(all: readonly Right[]): Right[] {
  const known = new Map<string, Right>()
  for (const right of all) {
    const key = rightKey(right)
    const before = known.get(key)
    if (before === undefined || isLess(before, right)) known.set(key, right)
  }
  return [...known.values()]
}

function isLess(a: Right, b: Right): boolean {
  if (a.purpose !== b.purpose) return b.purpose === 'work'
  return a.when !== undefined && b.when === undefined
}

/** `namespace apps/deployments patch` */
export function rightKey({ scope, group, resource, verb }: AccessRequest): string {
  return `${scope} ${group}/${resource} ${verb}`
}

/** `patch deployments.apps`, as `kubectl auth can-i` takes it. */
export function rightText({ verb, group, resource, scope }: AccessRequest): string {
  const [plural, subresource] = resource.split('/')
  const name = [group === '' ? plural : `${plural}.${group}`, subresource].filter(Boolean).join('/')
  return `${verb} ${name}${scope === 'namespace' ? '' : scope === 'cluster' ? ' (cluster)' : ` (${scope})`}`
}
