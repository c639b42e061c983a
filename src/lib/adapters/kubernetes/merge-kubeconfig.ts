import { dirname, resolve } from 'node:path'
import { type Document, isMap, isSeq, parseDocument, type YAMLMap, type YAMLSeq } from 'yaml'
import { EmrError, ExitCode } from '../../errors.ts'
import { FILE_FIELDS } from './kubeconfig-file.ts'

/** A kubeconfig file: where it is, and what stands in it. */
export interface KubeconfigFile {
  path: string
  text: string
}

/**
 * Puts one context, its cluster and its user into somebody's kubeconfig: those of the same names are replaced where they
 * stand; everything else, the comments, the order and the current context stay as they are.
 * @returns the text to write
 * @throws {EmrError} KUBECONFIG_INVALID (4) when one of the files cannot be read as a kubeconfig
 */
export function mergeContext(own: KubeconfigFile, from: KubeconfigFile, context: string): string {
  const target = documentOf(own)
  const source = documentOf(from)
  const added = named(source, 'contexts', context)
  const cluster = added && named(source, 'clusters', String(added.getIn(['context', 'cluster'])))
  const user = added && named(source, 'users', String(added.getIn(['context', 'user'])))
  if (!cluster || !user) throw invalid(from.path, `it has no whole context ${context}`)
  for (const [key, value] of Object.entries({ apiVersion: 'v1', kind: 'Config' })) {
    if (!target.has(key)) target.set(key, value)
  }
  const folder = dirname(from.path)
  put(target, own.path, 'clusters', withAbsolutePaths(cluster, 'cluster', folder))
  put(target, own.path, 'contexts', added)
  put(target, own.path, 'users', withAbsolutePaths(user, 'user', folder))
  // kubectl writes its lists unindented, others indent them; certificates must not be folded.
  return target.toString({ lineWidth: 0, indentSeq: /^ +- /m.test(own.text) && !/^- /m.test(own.text) })
}

function documentOf({ path, text }: KubeconfigFile): Document {
  const document = parseDocument(text)
  const [error] = document.errors
  if (error) throw invalid(path, error.message)
  if (document.contents === null) document.contents = document.createNode({}) as never
  if (!isMap(document.contents)) throw invalid(path, 'it is no mapping')
  return document
}

function named(document: Document, section: string, name: string): YAMLMap | undefined {
  const list = document.get(section)
  const items = isSeq(list) ? list.items : []
  return items.find((item): item is YAMLMap => isMap(item) && item.get('name') === name)
}

function put(document: Document, path: string, section: string, entry: YAMLMap): void {
  const list = document.get(section) ?? document.createNode([])
  if (!isSeq(list)) throw invalid(path, `its ${section} are no list`)
  document.set(section, list)
  const items = (list as YAMLSeq).items
  // An empty list is written as []; with something in it, it would stay on that one line.
  if (items.length === 0) list.flow = false
  const index = items.findIndex((item) => isMap(item) && item.get('name') === entry.get('name'))
  if (index < 0) items.push(entry)
  else items[index] = entry
}

function withAbsolutePaths(entry: YAMLMap, key: string, folder: string): YAMLMap {
  for (const field of FILE_FIELDS) {
    const path = entry.getIn([key, field])
    if (typeof path === 'string' && path !== '') entry.setIn([key, field], resolve(folder, path))
  }
  const command = entry.getIn([key, 'exec', 'command'])
  if (typeof command === 'string' && command.includes('/'))
    entry.setIn([key, 'exec', 'command'], resolve(folder, command))
  return entry
}

function invalid(path: string, why: string): EmrError {
  return new EmrError(`The kubeconfig ${path} cannot be merged: ${why}`, {
    code: 'KUBECONFIG_INVALID',
    exitCode: ExitCode.preflight,
    suggestions: [`kubectl --kubeconfig ${path} config get-contexts`],
  })
}
