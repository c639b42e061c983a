/**
 * Moments as PostgreSQL tells them: to the microsecond, which Date does not keep. Counted from 1970 they are exact as
 * numbers until the year 2255.
 */
const FORM = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?(?:\.(\d{1,9}))?(Z|[+-]\d\d(?::?\d\d)?)$/

/**
 * @param text ISO 8601 or as PostgreSQL prints it, with its zone: without one it means another moment on another machine
 * @returns epoch microseconds; undefined for anything else
 */
export function parseMoment(text: string): number | undefined {
  const [, day, minute, second = ':00', fraction = '', zone = ''] = FORM.exec(text) ?? []
  const offset = zone === 'Z' ? zone : `${zone.slice(0, 3)}:${zone.slice(3).replace(':', '') || '00'}`
  const milliseconds = Date.parse(`${day}T${minute}${second}${offset}`)
  return Number.isNaN(milliseconds)
    ? undefined
    : milliseconds * 1000 + Number(fraction.padEnd(6, '0').slice(0, 6))
}

/** The moment in ISO 8601, UTC, with six digits of a second. @param microseconds since 1970 */
export function formatMoment(microseconds: number): string {
  const milliseconds = Math.floor(microseconds / 1000)
  const rest = String(microseconds - milliseconds * 1000).padStart(3, '0')
  return new Date(milliseconds).toISOString().replace('Z', `${rest}Z`)
}
