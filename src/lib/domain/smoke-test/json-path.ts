const STEP = /(?:^|\.)([A-Za-z_][\w-]*)|\[(\d+)\]/y

/** `checks[0].status` as its steps; undefined where the text is no such path. A leading `$.` is fine. */
export function parseJsonPath(text: string): (string | number)[] | undefined {
  const path = text.replace(/^\$\.?/, '')
  const steps: (string | number)[] = []
  STEP.lastIndex = 0
  while (STEP.lastIndex < path.length) {
    const match = STEP.exec(path)
    if (match === null) return undefined
    steps.push(match[1] ?? Number(match[2]))
  }
  return steps
}

/** The value there, or undefined where there is none. */
export function valueAt(document: unknown, path: string): unknown {
  let value = document
  for (const step of parseJsonPath(path) ?? []) {
    if (typeof value !== 'object' || value === null) return undefined
    value = (value as Record<string | number, unknown>)[step]
  }
  return value
}
