const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const

/** Sizes as they are written in flags and in the configuration: `500kB`, `20MB`, `1.5GB`; a unit is 1,000 of the one before. */
export const SIZE_PATTERN = /^(\d+(?:\.\d+)?)(B|kB|MB|GB|TB)$/

/** @returns bytes, or undefined when the text is not a size. */
export function parseSize(text: string): number | undefined {
  const match = SIZE_PATTERN.exec(text)
  if (!match) return undefined
  return Math.round(Number(match[1]) * 1000 ** UNITS.indexOf(match[2] as (typeof UNITS)[number]))
}

/** A size to read: `812 B`, `4.2 MB`, `118 GB`. */
export function formatSize(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`
}
