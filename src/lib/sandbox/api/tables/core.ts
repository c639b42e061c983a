import type { CustomResourceDefinition } from 'kubernetes-types/apiextensions/v1.js'
import type { Lease } from 'kubernetes-types/coordination/v1.js'
import type {
  ConfigMap,
  Event,
  Namespace,
  Node,
  ResourceQuota,
  Secret,
  ServiceAccount,
} from 'kubernetes-types/core/v1.js'
import type { IngressClass } from 'kubernetes-types/networking/v1.js'
import type { RoleBinding } from 'kubernetes-types/rbac/v1.js'
import { age, columns, humanDuration, orNone, type Printer } from './printer.ts'

export const namespacePrinter: Printer<Namespace> = {
  columns: columns('Name', 'Status', 'Age'),
  cells: ({ metadata, status }) => [
    metadata?.name ?? '',
    status?.phase ?? '',
    age(metadata?.creationTimestamp),
  ],
}

export const nodePrinter: Printer<Node> = {
  columns: columns(
    'Name',
    'Status',
    'Roles',
    'Age',
    'Version',
    '+Internal-IP',
    '+External-IP',
    '+OS-Image',
    '+Kernel-Version',
    '+Container-Runtime',
  ),
  cells: ({ metadata, spec, status }) => {
    const ready = status?.conditions?.find(({ type }) => type === 'Ready')?.status
    const state = ready === 'True' ? 'Ready' : ready === undefined ? 'Unknown' : 'NotReady'
    const address = (wanted: string) => status?.addresses?.find(({ type }) => type === wanted)?.address
    const info = status?.nodeInfo
    return [
      metadata?.name ?? '',
      spec?.unschedulable ? `${state},SchedulingDisabled` : state,
      '<none>',
      age(metadata?.creationTimestamp),
      info?.kubeletVersion ?? '',
      orNone(address('InternalIP')),
      orNone(address('ExternalIP')),
      info?.osImage ?? '<unknown>',
      info?.kernelVersion ?? '<unknown>',
      info?.containerRuntimeVersion ?? '<unknown>',
    ]
  },
}

export const configMapPrinter: Printer<ConfigMap> = {
  columns: columns('Name', '#Data', 'Age'),
  cells: ({ metadata, data = {}, binaryData = {} }) => [
    metadata?.name ?? '',
    Object.keys(data).length + Object.keys(binaryData).length,
    age(metadata?.creationTimestamp),
  ],
}

export const secretPrinter: Printer<Secret> = {
  columns: columns('Name', 'Type', '#Data', 'Age'),
  cells: ({ metadata, type, data = {} }) => [
    metadata?.name ?? '',
    type ?? '',
    Object.keys(data).length,
    age(metadata?.creationTimestamp),
  ],
}

export const serviceAccountPrinter: Printer<ServiceAccount> = {
  columns: columns('Name', '#Secrets', 'Age'),
  cells: ({ metadata, secrets = [] }) => [
    metadata?.name ?? '',
    secrets.length,
    age(metadata?.creationTimestamp),
  ],
}

export const eventPrinter: Printer<Event> = {
  columns: columns(
    'Last Seen',
    'Type',
    'Reason',
    'Object',
    '+Subobject',
    '+Source',
    'Message',
    '+First Seen',
    '+#Count',
    '+Name',
  ),
  cells: (event) => {
    const { involvedObject, source, series, eventTime, firstTimestamp, lastTimestamp, count } = event
    const first = firstTimestamp ?? eventTime
    const firstSeen = first ? age(first) : '<unknown>'
    const last = series?.lastObservedTime ?? lastTimestamp
    const kind = involvedObject.kind?.toLowerCase() ?? ''
    return [
      last ? age(last) : firstSeen,
      event.type ?? '',
      event.reason ?? '',
      involvedObject.name ? `${kind}/${involvedObject.name}` : kind,
      involvedObject.fieldPath ?? '',
      sourceText(source?.component ?? event.reportingComponent, source?.host ?? event.reportingInstance),
      (event.message ?? '').trim(),
      firstSeen,
      series?.count ?? count ?? 1,
      event.metadata.name ?? '',
    ]
  },
}

function sourceText(component = '', host = ''): string {
  return [component, host].filter((text) => text !== '').join(', ')
}

export const quotaPrinter: Printer<ResourceQuota> = {
  columns: columns('Name', 'Request', 'Limit', 'Age'),
  cells: ({ metadata, status }) => {
    const all = Object.keys(status?.hard ?? {}).sort()
    const text = (resources: string[]) =>
      resources.map((name) => `${name}: ${status?.used?.[name] ?? '0'}/${status?.hard?.[name]}`).join(', ')
    return [
      metadata?.name ?? '',
      text(all.filter((name) => !name.startsWith('limits.'))),
      text(all.filter((name) => name.startsWith('limits.'))),
      age(metadata?.creationTimestamp),
    ]
  },
}

export const leasePrinter: Printer<Lease> = {
  columns: columns('Name', 'Holder', 'Age'),
  cells: ({ metadata, spec }) => [
    metadata?.name ?? '',
    spec?.holderIdentity ?? '',
    age(metadata?.creationTimestamp),
  ],
}

export const definitionPrinter: Printer<CustomResourceDefinition> = {
  columns: columns('Name', 'Created At'),
  cells: ({ metadata }) => [metadata?.name ?? '', metadata?.creationTimestamp ?? ''],
}

export const bindingPrinter: Printer<RoleBinding> = {
  columns: columns('Name', 'Role', 'Age'),
  cells: ({ metadata, roleRef }) => [
    metadata?.name ?? '',
    `${roleRef.kind}/${roleRef.name}`,
    age(metadata?.creationTimestamp),
  ],
}

/** Roles show when they were made, not their age. */
export const rolePrinter: Printer = {
  columns: columns('Name', 'Created At'),
  cells: ({ metadata }) => [metadata.name ?? '', metadata.creationTimestamp ?? ''],
}

export const ingressClassPrinter: Printer<IngressClass> = {
  columns: columns('Name', 'Controller', 'Parameters', 'Age'),
  cells: ({ metadata, spec }) => [
    metadata?.name ?? '',
    spec?.controller ?? '',
    '<none>',
    age(metadata?.creationTimestamp),
  ],
}

/** Every kind without a printer of its own. */
export const plainPrinter: Printer = {
  columns: columns('Name', 'Age'),
  cells: ({ metadata }) => [metadata.name ?? '', age(metadata.creationTimestamp)],
}

/** A moment as custom resources' `date` columns show it. */
export function dateCell(value: unknown): string {
  return typeof value === 'string' ? humanDuration(Date.now() - Date.parse(value)) : '<unknown>'
}
