import { RESULT_LINE_VARIABLE, resultLine } from '../domain/result-line.ts'

/** Prints the document of --json on stdout. */
export function printDocument(document: unknown): void {
  const isMarked = process.env[RESULT_LINE_VARIABLE] !== undefined
  process.stdout.write(`${isMarked ? resultLine(document) : JSON.stringify(document, null, 2)}\n`)
}
