import { copy, equal, isObject, type JsonObject } from '../../json.ts'
import { StatusError } from '../status.ts'

interface Operation {
  op: 'add' | 'remove' | 'replace' | 'move' | 'copy' | 'test'
  path: string
  from?: string
  value?: unknown
}

/** RFC 6902. @throws {StatusError} 422 as the API server answers when an operation cannot be applied. */
export function jsonPatch(document: unknown, operations: unknown): unknown {
  if (!Array.isArray(operations)) throw failed('the body is not a list of operations')
  let result = copy(document)
  for (const operation of operations as Operation[]) result = applyOperation(result, operation)
  return result
}

function applyOperation(document: unknown, { op, path, from = '', value }: Operation): unknown {
  switch (op) {
    case 'test':
      if (equal(read(document, path), value)) return document
      throw failed(`testing value ${path} failed`)
    case 'remove':
      return write(document, path, op, undefined)
    case 'add':
    case 'replace':
      return write(document, path, op, value)
    case 'copy':
      return write(document, path, 'add', copy(read(document, from)))
    case 'move': {
      const moved = read(document, from)
      return write(write(document, from, 'remove', undefined), path, 'add', moved)
    }
    default:
      throw failed(`unexpected kind: ${op}`)
  }
}

function read(document: unknown, path: string): unknown {
  return readKeys(document, pointer(path), path)
}

function readKeys(document: unknown, keys: string[], path: string): unknown {
  let value = document
  for (const key of keys) {
    if (Array.isArray(value)) value = value[Number(key)]
    else if (isObject(value) && key in value) value = value[key]
    else throw failed(`path not found: ${path}`)
  }
  return value
}

function write(document: unknown, path: string, op: 'add' | 'remove' | 'replace', value: unknown): unknown {
  const keys = pointer(path)
  const last = keys.pop()
  if (last === undefined) return value
  const parent = readKeys(document, keys, path)
  if (Array.isArray(parent)) writeItem(parent, last, op, value)
  else if (isObject(parent)) writeField(parent, last, op, value)
  else throw failed(`doc is missing path: ${path}`)
  return document
}

function writeItem(list: unknown[], key: string, op: string, value: unknown): void {
  const index = key === '-' ? list.length : Number(key)
  const end = op === 'add' ? list.length : list.length - 1
  if (!Number.isInteger(index) || index < 0 || index > end) throw failed(`invalid index: ${key}`)
  list.splice(index, op === 'add' ? 0 : 1, ...(op === 'remove' ? [] : [value]))
}

function writeField(object: JsonObject, key: string, op: string, value: unknown): void {
  if (op !== 'add' && !(key in object)) throw failed(`unable to ${op} nonexistent key: ${key}`)
  if (op === 'remove') delete object[key]
  else object[key] = value
}

function pointer(path: string): string[] {
  if (path === '') return []
  return path
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function failed(why: string): StatusError {
  return new StatusError(
    422,
    'Invalid',
    `the server rejected our request due to an error in our request: ${why}`,
    {},
  )
}
