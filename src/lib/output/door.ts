import { randomInt } from 'node:crypto'
import { withEllipsis } from '../domain/ellipsis.ts'
import { clean } from './clean.ts'

/**
 * Everything that emr prints for people goes through here, and every text may have foreign parts: logs, events, names, answers of
 * servers, errors of tools. What is emr's own style bears a number that nobody outside this process knows; every other
 * control character is foreign, and is taken out.
 */
const KEY = String(randomInt(100_000, 1_000_000))
const OWN = new RegExp(`\\x1b\\[${KEY};([\\d;]*)m`)
/** No terminal shows more of a line to any use; `--json` has all of it. */
const LINE_LENGTH = 16_384

/** A style of emr's own. @param sgr as chalk writes it, such as `\\x1b[31m`; empty where there is no colour */
export function ownStyle(sgr: string): string {
  return sgr.replaceAll('\x1b[', `\x1b[${KEY};`)
}

/** A text, of one line or more, as it may go to a terminal: in emr's own styles, and no other control but the ends of lines. */
export function printable(text: string): string {
  const parts = text.split(OWN)
  return parts.map((part, index) => (index % 2 === 0 ? cleanLines(part) : `\x1b[${part}m`)).join('')
}

/** Foreign text of more than one line. */
export function cleanLines(text: string): string {
  return text
    .split('\n')
    .map((line) => clean(withEllipsis(line, LINE_LENGTH)))
    .join('\n')
}

/** Shows a result on stdout. @returns whether more may be written at once */
export function printResult(text: string): boolean {
  return process.stdout.write(`${printable(text)}\n`)
}

/** Says something on stderr, beside the result. */
export function printNote(text: string): void {
  process.stderr.write(`${printable(text)}\n`)
}
