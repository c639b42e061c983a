/** The text with at most this many characters; what was cut shows by its last one. */
export function withEllipsis(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text
}
