import type { ApiObject } from '../json.ts'
import type { Entry } from '../store/entry.ts'
import type { ResourceRequest } from './request.ts'
import type { ServedType } from './resources.ts'
import { columnsOf, rowOf } from './tables/tables.ts'

/** The forms that clients ask for in Accept. */
export type Form = 'object' | 'Table' | 'PartialObjectMetadata'

/** The first form in Accept that the server can give; kubectl lists several. */
export function formOf(accept = ''): Form {
  const [first = ''] = accept.split(',')
  if (first.includes('as=Table')) return 'Table'
  return first.includes('as=PartialObjectMetadata') ? 'PartialObjectMetadata' : 'object'
}

type Viewed = Pick<ResourceRequest, 'type' | 'headers' | 'query'>

/** One object as JSON text, in the form that the client accepts. */
export function present(entry: Entry, request: Viewed): string {
  const form = formOf(request.headers.accept)
  if (form === 'Table') {
    return table([entry], { resourceVersion: String(entry.revision) }, request)
  }
  return form === 'PartialObjectMetadata' ? partial(entry.object) : entry.json
}

export function presentList(entries: Entry[], metadata: object, request: Viewed): string {
  const form = formOf(request.headers.accept)
  if (form === 'Table') return table(entries, metadata, request)
  const isPartial = form === 'PartialObjectMetadata'
  const kind = isPartial ? 'PartialObjectMetadataList' : `${request.type.kind}List`
  const apiVersion = isPartial ? 'meta.k8s.io/v1' : versionOf(request.type)
  const items = entries.map((entry) => (isPartial ? partial(entry.object) : entry.json))
  return `{"kind":"${kind}","apiVersion":"${apiVersion}","metadata":${JSON.stringify(metadata)},"items":[${items.join(',')}]}`
}

/** @param withColumns false for the events of a watch after its first one, as the server does it */
export function table(
  entries: Entry[],
  metadata: object,
  { type, query }: Viewed,
  withColumns = true,
): string {
  const include = query.get('includeObject') ?? 'Metadata'
  const rows = entries.map((entry) => {
    const cells = JSON.stringify(rowOf(entry.object, type))
    if (include === 'None') return `{"cells":${cells}}`
    return `{"cells":${cells},"object":${include === 'Object' ? entry.json : partial(entry.object)}}`
  })
  const columns = withColumns ? JSON.stringify(columnsOf(type)) : 'null'
  return `{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":${JSON.stringify(metadata)},"columnDefinitions":${columns},"rows":[${rows.join(',')}]}`
}

function partial({ metadata }: ApiObject): string {
  return JSON.stringify({ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata })
}

export function versionOf({ group, version }: Pick<ServedType, 'group' | 'version'>): string {
  return group === '' ? version : `${group}/${version}`
}
