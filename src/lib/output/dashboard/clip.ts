import { SHOWN_LENGTH } from '../../domain/lines.ts'

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
const PARTS = /\x1b\[[\d;]*m|[\s\S]/gu

/** The first columns of a styled line; characters of double width count twice. */
export function clip(line: string, columns: number): string {
  let width = 0
  let clipped = ''
  // No terminal has so many marks and styles in so few columns.
  for (const [part] of line.slice(0, SHOWN_LENGTH + columns).matchAll(PARTS)) {
    const size = part.startsWith('\x1b') ? 0 : widthOf(part)
    if (width + size > columns) continue
    width += size
    clipped += part
  }
  return clipped
}

/** A styled line in as many as it needs; each further one begins as far right as the text of the first. */
export function wrap(line: string, columns: number): string[] {
  const indent = ' '.repeat(Math.min(/^ {2}[a-z ]{8} /.exec(line)?.[0].length ?? 0, columns >> 1))
  const lines = [{ text: '', width: 0 }]
  for (const [part] of line.slice(0, 2 * SHOWN_LENGTH).matchAll(PARTS)) {
    const size = part.startsWith('\x1b') ? 0 : widthOf(part)
    if ((lines.at(-1)?.width ?? 0) + size > columns) lines.push({ text: indent, width: indent.length })
    const last = lines.at(-1)
    if (last === undefined) continue
    last.text += part
    last.width += size
  }
  return lines.map(({ text }) => text)
}

function widthOf(character: string): number {
  const code = character.codePointAt(0) ?? 0
  const wide =
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0x1f300 && code <= 0x1faff)
  if (wide) return 2
  return /\p{Mark}|\p{Default_Ignorable_Code_Point}/u.test(character) ? 0 : 1
}
