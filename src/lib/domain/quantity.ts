const ONE = 1_000_000_000n

/** resource.Quantity: fixed-point numbers with a suffix. Kept here in billionths, the finest that Kubernetes keeps. */
const SUFFIXES: Record<string, bigint> = {
  n: 1n,
  u: 1000n,
  m: 1000n ** 2n,
  '': ONE,
  k: ONE * 1000n,
  M: ONE * 1000n ** 2n,
  G: ONE * 1000n ** 3n,
  T: ONE * 1000n ** 4n,
  P: ONE * 1000n ** 5n,
  E: ONE * 1000n ** 6n,
  Ki: ONE * 1024n,
  Mi: ONE * 1024n ** 2n,
  Gi: ONE * 1024n ** 3n,
  Ti: ONE * 1024n ** 4n,
  Pi: ONE * 1024n ** 5n,
  Ei: ONE * 1024n ** 6n,
}
const DECIMAL = ['E', 'P', 'T', 'G', 'M', 'k', '', 'm', 'u', 'n']
const BINARY = ['Ei', 'Pi', 'Ti', 'Gi', 'Mi', 'Ki', '']
const PATTERN = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+)|([numk]|[MGTPE]i?|Ki)?)$/

interface Quantity {
  billionths: bigint
  binary: boolean
}

/** @returns undefined for what is no quantity. */
export function parseQuantity(text: string | number): Quantity | undefined {
  const match = PATTERN.exec(String(text))
  if (!match || (match[2] === '' && !match[3])) return undefined
  const [, sign, whole = '', fraction = '', exponent, suffix = ''] = match
  const unit = SUFFIXES[suffix] ?? ONE
  const shift = Number(exponent ?? 0) - fraction.length
  const digits = BigInt(whole + fraction) * unit
  const scale = 10n ** BigInt(Math.abs(shift))
  const size = shift >= 0 ? digits * scale : (digits + scale - 1n) / scale
  return { billionths: sign === '-' ? -size : size, binary: suffix.endsWith('i') }
}

/** The canonical form: no fraction, the largest suffix that loses nothing. What is no quantity stays as it is. */
export function canonicalQuantity(text: string | number): string {
  const quantity = parseQuantity(text)
  return quantity ? formatQuantity(quantity.billionths, quantity.binary) : String(text)
}

/** @param billionths of the unit (core, byte, piece) */
export function formatQuantity(billionths: bigint, binary = false): string {
  if (billionths === 0n) return '0'
  // A binary quantity below one unit is written in decimal, as Kubernetes does.
  const fractional = billionths % ONE !== 0n
  for (const suffix of binary && !fractional ? BINARY : DECIMAL) {
    const unit = SUFFIXES[suffix] ?? ONE
    if (billionths % unit === 0n) return `${billionths / unit}${suffix}`
  }
  return `${billionths}n`
}

/** In whole and fractional units (cores, bytes, pieces); 0 for what is no quantity. */
export function quantityValue(text: string | number | undefined): number {
  return text === undefined ? 0 : Number(parseQuantity(text)?.billionths ?? 0n) / Number(ONE)
}
