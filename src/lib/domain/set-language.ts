/** One value of a chart as `helm --set` takes it: both parts as they were typed, with their escapes. */
export interface Setting {
  key: string
  value: string
}

/** What a backslash may stand before: helm takes it away before any other character too, and says nothing. */
const ESCAPABLE = '\\,.=[]{}'
/** A path in the values: names with escaped dots, indexes of lists. */
const NAME = String.raw`(?:\\.|[^\s\\=,.[\]{}])+(?:\[\d+\])*`
const KEY = new RegExp(String.raw`^${NAME}(?:\.${NAME})*$`)

/**
 * Reads the language of `helm --set` (helm's package strvals): settings apart by commas, `{a,b}` for a list, a backslash before a
 * character that is meant as itself.
 * @returns the settings, or in words why helm would take the text for something else than it looks like
 */
export function settingsOf(text: string): Setting[] | string {
  const lost = [...text.matchAll(/\\(.?)/gs)].find(
    ([, next = '']) => next === '' || !ESCAPABLE.includes(next),
  )
  if (lost) return `helm drops the backslash of '${lost[0]}': type \\\\ for a backslash that stays`
  const parts = splitSettings(text)
  if (typeof parts === 'string') return parts
  const settings: Setting[] = []
  for (const part of parts) {
    const equals = /^(?:\\.|[^\\=])*/.exec(part)?.[0].length ?? 0
    const key = part.slice(0, equals)
    if (equals === part.length) return `'${part}' has no value: a comma that belongs to a value is typed \\,`
    if (!KEY.test(key)) return `'${key}' is not a path in the values`
    settings.push({ key, value: part.slice(equals + 1) })
  }
  return settings
}

/** Apart at the commas that are neither escaped nor in a list. */
function splitSettings(text: string): string[] | string {
  const parts: string[] = []
  let from = 0
  let isList = false
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]
    if (character === '\\') at += 1
    else if (character === '{' && text[at - 1] === '=') isList = true
    else if (character === '}' && isList) {
      isList = false
      if (at + 1 < text.length && text[at + 1] !== ',')
        return `after the list that ends with } a comma is expected`
    } else if (character === ',' && !isList) {
      parts.push(text.slice(from, at))
      from = at + 1
    }
  }
  if (isList) return 'a list that begins with { has to end with }'
  return [...parts, text.slice(from)]
}
