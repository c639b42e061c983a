/** A position in PostgreSQL's write-ahead log, as PostgreSQL writes it: `16/B374D848`. */
export type Lsn = string

const LSN_PATTERN = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/

export function isLsn(text: string): boolean {
  return LSN_PATTERN.test(text)
}

/** The byte position that an LSN names. @throws {TypeError} for a text that is none */
export function lsnToBigInt(lsn: Lsn): bigint {
  const match = LSN_PATTERN.exec(lsn)
  if (!match) throw new TypeError(`'${lsn}' is no LSN`)
  return (BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`)
}

export function lsnFromBigInt(position: bigint): Lsn {
  const half = (value: bigint) => value.toString(16).toUpperCase()
  return `${half(position >> 32n)}/${half(position & 0xffffffffn)}`
}

/** Negative, zero or positive, as for Array.sort. */
export function compareLsn(a: Lsn, b: Lsn): number {
  const difference = lsnToBigInt(a) - lsnToBigInt(b)
  if (difference === 0n) return 0
  return difference < 0n ? -1 : 1
}
