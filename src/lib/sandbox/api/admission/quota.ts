import type { PersistentVolumeClaim, Pod, ResourceQuota } from 'kubernetes-types/core/v1.js'
import { formatQuantity, parseQuantity } from '../../../domain/quantity.ts'
import type { ApiObject } from '../../json.ts'
import type { Entry } from '../../store/entry.ts'
import type { Store } from '../../store/store.ts'
import type { Api } from '../request.ts'
import { collectionOf, type ServedType } from '../resources.ts'
import { refuse } from '../status.ts'

interface Amount {
  billionths: bigint
  binary: boolean
}
type Usage = Map<string, Amount>

/** Resources that count objects, beside `count/<collection>`. */
const COUNTED: Record<string, string> = {
  pods: 'pods',
  services: 'services',
  secrets: 'secrets',
  configmaps: 'configmaps',
  persistentvolumeclaims: 'persistentvolumeclaims',
  resourcequotas: 'resourcequotas',
}

/**
 * The ResourceQuota plugin. Usage is counted from the store at each write, so that parallel creates cannot slip
 * through; the quota's own status follows from its controller.
 * @throws {StatusError} 403 `exceeded quota`
 */
export function checkQuotas(api: Api, type: ServedType, object: ApiObject, before?: ApiObject): void {
  const { namespace = '', name = '' } = object.metadata
  if (before) return
  for (const { object: quota } of api.store.list('resourcequotas', namespace)) {
    const { metadata, spec } = quota as unknown as ResourceQuota
    const hard = spec?.hard ?? {}
    const requested = usageOf(type, object)
    const concerned = Object.keys(hard).filter((resource) => requested.has(resource))
    if (type.kind === 'Pod') refuseUnspecified(type, object as unknown as Pod, metadata?.name ?? '', hard)
    const used = quotaUsage(api.store, namespace, concerned)
    const exceeded = concerned.filter((resource) => {
      const sum = (used.get(resource)?.billionths ?? 0n) + (requested.get(resource)?.billionths ?? 0n)
      return sum > (parseQuantity(hard[resource] ?? '')?.billionths ?? 0n)
    })
    if (exceeded.length === 0) continue
    const text = (of: (resource: string) => string) =>
      exceeded
        .sort()
        .map((resource) => `${resource}=${of(resource)}`)
        .join(',')
    throw refuse.forbidden(
      type,
      name,
      `exceeded quota: ${metadata?.name}, requested: ${text((resource) => amountText(requested.get(resource)))}, used: ${text((resource) => amountText(used.get(resource)))}, limited: ${text((resource) => hard[resource] ?? '')}`,
    )
  }
}

/** A quota on a compute resource makes it obligatory in each container. */
function refuseUnspecified(
  type: ServedType,
  { metadata, spec }: Pod,
  quota: string,
  hard: Record<string, string>,
): void {
  const missing = Object.keys(hard)
    .sort()
    .flatMap((resource) => {
      const [, kind = 'requests', name = ''] = /^(?:(requests|limits)\.)?(cpu|memory)$/.exec(resource) ?? []
      if (name === '') return []
      const without = (spec?.containers ?? []).filter(
        ({ resources }) => resources?.[kind as 'requests' | 'limits']?.[name] === undefined,
      )
      return without.length === 0 ? [] : [`${resource} for: ${without.map((each) => each.name).join(',')}`]
    })
  if (missing.length === 0) return
  const why = `failed quota: ${quota}: must specify ${missing.join('; ')}`
  throw refuse.forbidden(type, metadata?.name ?? '', why)
}

/** What of a namespace is in use, for the named resources; also what a quota's status says. */
export function quotaUsage(store: Pick<Store, 'list'>, namespace: string, resources: string[]): Usage {
  const used: Usage = new Map(resources.map((resource) => [resource, { billionths: 0n, binary: false }]))
  const add = (entry: Entry, type: Pick<ServedType, 'group' | 'plural' | 'kind'>) => {
    for (const [resource, amount] of usageOf(type, entry.object)) {
      const sum = used.get(resource)
      if (!sum) continue
      used.set(resource, {
        billionths: sum.billionths + amount.billionths,
        binary: sum.binary || amount.binary,
      })
    }
  }
  const collections = new Set(
    resources.map((resource) => {
      if (resource.startsWith('count/')) return resource.slice('count/'.length)
      return COUNTED[resource] ?? (resource === 'requests.storage' ? 'persistentvolumeclaims' : 'pods')
    }),
  )
  for (const collection of collections) {
    const [plural = '', ...group] = collection.split('.')
    for (const entry of store.list(collection, namespace)) {
      add(entry, { plural, group: group.join('.'), kind: entry.object.kind })
    }
  }
  return used
}

export function amountText(amount: Amount | undefined): string {
  return amount ? formatQuantity(amount.billionths, amount.binary) : '0'
}

function usageOf(type: Pick<ServedType, 'group' | 'plural' | 'kind'>, object: ApiObject): Usage {
  const usage: Usage = new Map()
  const one: Amount = { billionths: 1_000_000_000n, binary: false }
  usage.set(`count/${collectionOf(type)}`, one)
  const counted = type.group === '' ? COUNTED[type.plural] : undefined
  if (type.kind === 'Pod') addPod(usage, object as unknown as Pod)
  else if (counted) usage.set(counted, one)
  if (type.kind === 'PersistentVolumeClaim') {
    const { spec } = object as unknown as PersistentVolumeClaim
    addQuantity(usage, 'requests.storage', spec?.resources?.requests?.storage)
  }
  return usage
}

/** Finished pods use nothing but their own count in `count/pods`. */
function addPod(usage: Usage, { spec, status }: Pod): void {
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return
  usage.set('pods', { billionths: 1_000_000_000n, binary: false })
  for (const { resources } of spec?.containers ?? []) {
    for (const name of ['cpu', 'memory', 'ephemeral-storage']) {
      addQuantity(usage, `requests.${name}`, resources?.requests?.[name])
      addQuantity(usage, name, resources?.requests?.[name])
      addQuantity(usage, `limits.${name}`, resources?.limits?.[name])
    }
  }
}

function addQuantity(usage: Usage, resource: string, text: string | undefined): void {
  const quantity = text === undefined ? undefined : parseQuantity(text)
  if (!quantity) return
  const sum = usage.get(resource)
  usage.set(resource, {
    billionths: (sum?.billionths ?? 0n) + quantity.billionths,
    binary: quantity.binary || (sum?.binary ?? false),
  })
}
