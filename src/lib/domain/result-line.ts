/**
 * The log of a pod is stdout and stderr in one. A program that is to be read there gets this variable, and prints the
 * document of --json as one marked line.
 */
export const RESULT_LINE_VARIABLE = 'EMR_RESULT_LINE'

const MARK = 'emr-result '

export function resultLine(document: unknown): string {
  return `${MARK}${JSON.stringify(document)}`
}

/** @returns the document, or undefined for any other line */
export function parseResultLine(line: string): unknown {
  if (!line.startsWith(MARK)) return undefined
  try {
    return JSON.parse(line.slice(MARK.length))
  } catch {
    return undefined
  }
}
