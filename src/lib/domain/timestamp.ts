/** A moment to the second, in UTC: `2026-03-14T03:15:00Z`. @param time epoch milliseconds, or a text of more digits */
export function timestamp(time: number | string): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`
}
