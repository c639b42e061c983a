// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not get through
const SEQUENCE = /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b\]|\x9d)[^\x07\x1b\x9c\x9d\n]*(?:\x07|\x1b\\|\x9c)/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not get through
const CONTROL = /[\x00-\x1f\x7f-\x9f\u2028\u2029]+/g
/** Marks that show a text in another order than it is in, and those that are not seen. */
const UNSEEN =
  /[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu

/** Foreign text on one line: no escape sequence of a log or a message reaches the terminal, and no mark deceives the eye. */
export function clean(text: string): string {
  return text
    .replaceAll(SEQUENCE, '')
    .replaceAll(CONTROL, ' ')
    .replaceAll(UNSEEN, (mark) => `<U+${mark.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}>`)
}

const HIDDEN_IN_JSON = new RegExp(`[\\x7f-\\x9f\\u2028\\u2029]|${UNSEEN.source}`, 'gu')

/** JSON with everything escaped that a terminal obeys or hides; it is the same document. */
export function escapeJson(json: string): string {
  return json.replaceAll(HIDDEN_IN_JSON, (mark) =>
    mark.replaceAll(/[\s\S]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
  )
}
