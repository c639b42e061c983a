import type { IncomingHttpHeaders } from 'node:http'

export interface ApiRequest {
  method: string
  url: URL
  headers: IncomingHttpHeaders
  /** What the emulator gets; a gap may mend it. */
  body: string
}

export interface ApiAnswer {
  status: number
  type: 'json' | 'xml'
  body: string
}

/** Calls that the emulator lacks or gets wrong; undefined for what is not its business. */
export interface Gap {
  answer?: (request: ApiRequest) => ApiAnswer | undefined
  /** What the emulator answered, mended. */
  mend?: (request: ApiRequest, body: string) => string
}

export const json = (value: unknown, status = 200): ApiAnswer => ({
  status,
  type: 'json',
  body: JSON.stringify(value),
})

export const xml = (body: string, status = 200): ApiAnswer => ({ status, type: 'xml', body })

/** The parameters of a call of the query protocol, as `Action=…&Version=…`. */
export function queryOf({ method, body }: ApiRequest): URLSearchParams {
  return new URLSearchParams(method === 'POST' && body.startsWith('Action=') ? body : '')
}
