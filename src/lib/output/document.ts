import { writeSync } from 'node:fs'
import { RESULT_LINE_VARIABLE, resultLine } from '../domain/result-line.ts'
import { escapeJson } from './clean.ts'

/** Prints the document of --json on stdout. */
export function printDocument(document: unknown): void {
  process.stdout.write(documentText(document))
}

/** The same for a process that ends at once: what is written is out when this returns, or nobody reads it. */
export function printDocumentNow(document: unknown): void {
  try {
    writeSync(process.stdout.fd, documentText(document))
  } catch {}
}

function documentText(document: unknown): string {
  const isMarked = process.env[RESULT_LINE_VARIABLE] !== undefined
  return `${escapeJson(isMarked ? resultLine(document) : JSON.stringify(document, null, 2))}\n`
}
