/** Whether all addresses of a block lie in another one; both in CIDR notation, IPv4 or IPv6. */
export function covers(outer: string, inner: string): boolean {
  const [wide, narrow] = [prefixOf(outer), prefixOf(inner)]
  return wide.family === narrow.family && narrow.bits.startsWith(wide.bits)
}

/** Whether two blocks have an address in common: blocks never overlap in part. */
export function overlap(one: string, other: string): boolean {
  return covers(one, other) || covers(other, one)
}

/** The bits that all addresses of a block share, as a text of 0 and 1. */
function prefixOf(cidr: string): { family: 4 | 6; bits: string } {
  const [address = '', length = ''] = cidr.split('/')
  const family = address.includes(':') ? 6 : 4
  const bits = family === 6 ? bits6(address) : binary(address.split('.').map(Number), 8)
  return { family, bits: bits.slice(0, Number(length)) }
}

function bits6(address: string): string {
  const [head = [], tail = []] = address.split('::').map((half) => half.split(':').filter(Boolean))
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0')
  return binary(
    [...head, ...zeros, ...tail].map((group) => Number.parseInt(group, 16)),
    16,
  )
}

function binary(numbers: number[], width: number): string {
  return numbers.map((number) => number.toString(2).padStart(width, '0')).join('')
}
