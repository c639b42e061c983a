/** `${gateway}`, `${version.task-service}`, `${secret.TOKEN}` */
const EXPRESSION = /\$\{([^}]*)\}/g

/** The names of all expressions in a text, as they are written. */
export function expressionsIn(text: string): string[] {
  return [...text.matchAll(EXPRESSION)].map(([, name = '']) => name.trim())
}

/** Puts the values in. @param values by name; every name must be there */
function expand(text: string, values: Record<string, string>): string {
  return text.replaceAll(EXPRESSION, (_, name: string) => values[name.trim()] ?? '')
}

/** Puts the values into every text of a structure. */
export function expandAll<T>(value: T, values: Record<string, string>): T {
  if (typeof value === 'string') return expand(value, values) as T
  if (Array.isArray(value)) return value.map((each) => expandAll(each, values)) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, expandAll(each, values)])) as T
}

/** Every text of a structure, with its path. */
export function textsIn(value: unknown, path: PropertyKey[] = []): { path: PropertyKey[]; text: string }[] {
  if (typeof value === 'string') return [{ path, text: value }]
  if (typeof value !== 'object' || value === null) return []
  const entries: [PropertyKey, unknown][] = Array.isArray(value)
    ? [...value.entries()]
    : Object.entries(value)
  return entries.flatMap(([key, each]) => textsIn(each, [...path, key]))
}
