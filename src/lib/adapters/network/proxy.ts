import { BlockList, isIP } from 'node:net'

type Environment = Record<string, string | undefined>

/** As Go's net/http knows them; `socks5` leaves the look-up of names to the proxy, too. */
const SCHEMES = ['http:', 'https:', 'socks5:', 'socks5h:']

/**
 * The proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY (also in lower case) name for an address, by the rules of Go's
 * net/http, which kubectl, helm and Terraform follow: never for this machine itself.
 */
export function environmentProxy(address: URL, environment: Environment = process.env): URL | undefined {
  const name = address.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY'
  const value = either(environment, name)
  const host = address.hostname.replace(/^\[|\]$/g, '').toLowerCase()
  if (value === '' || isThisMachine(host)) return undefined
  const port = address.port || (address.protocol === 'https:' ? '443' : '80')
  if (isExcluded(host, port, either(environment, 'NO_PROXY'))) return undefined
  return proxyUrl(value) ?? proxyUrl(`http://${value}`)
}

/** Whether any proxy is named in the environment. */
export function hasEnvironmentProxy(environment: Environment = process.env): boolean {
  return ['HTTPS_PROXY', 'HTTP_PROXY'].some((name) => either(environment, name) !== '')
}

/** @returns undefined for what is not the URL of a proxy of a known kind */
export function proxyUrl(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  return SCHEMES.includes(url.protocol) && url.hostname !== '' ? url : undefined
}

function either(environment: Environment, name: string): string {
  return environment[name] || environment[name.toLowerCase()] || ''
}

function isThisMachine(host: string): boolean {
  return host === 'localhost' || (isIP(host) !== 0 && (host === '::1' || host.startsWith('127.')))
}

function isExcluded(host: string, port: string, list: string): boolean {
  return list
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .some((entry) => entry === '*' || (entry !== '' && matches(host, port, entry)))
}

function matches(host: string, port: string, entry: string): boolean {
  const [network = '', bits] = entry.split('/')
  if (bits !== undefined) return isInside(host, network, Number(bits))
  const [, bracketed, plain = '', entryPort] =
    /^(?:\[(.*)\]|([^:]*))(?::(\d+))?$/.exec(entry) ?? ([entry, undefined, entry] as const)
  const name = bracketed ?? plain
  if (name === '' || (entryPort !== undefined && entryPort !== port)) return false
  if (isIP(name)) return isInside(host, name, isIP(name) === 4 ? 32 : 128)
  const suffix = name.replace(/^\*\./, '.')
  return suffix.startsWith('.') ? host.endsWith(suffix) : host === suffix || host.endsWith(`.${suffix}`)
}

function isInside(host: string, network: string, bits: number): boolean {
  const family = (address: string) => (isIP(address) === 6 ? 'ipv6' : 'ipv4')
  if (isIP(host) === 0 || isIP(network) === 0 || !(bits >= 0 && bits <= (isIP(network) === 4 ? 32 : 128)))
    return false
  const list = new BlockList()
  list.addSubnet(network, bits, family(network))
  return list.check(host, family(host))
}
