import { stripVTControlCharacters } from 'node:util'

/** Foreign text on one line: no escape sequence of a log or a message reaches the terminal. */
export function clean(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not get through
  return stripVTControlCharacters(text).replaceAll(/[\x00-\x1f\x7f-\x9f]+/g, ' ')
}
