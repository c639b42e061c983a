/** What must hold for an HTTP answer; what is absent is not looked at. */
export interface HttpExpectation {
  status: number[]
  /** A text that must be equal, `/pattern/` that must match, or null for a header that must not be there. */
  headers: Record<string, string | null>
  /** By path in the JSON body: `checks[0].status`. A text `/pattern/` must match, any other value be equal. */
  json: Record<string, unknown>
  contains: string[]
  lacks: string[]
  /** Milliseconds. */
  within?: number
  /** The Location header. */
  redirect?: string
  tls?: { minVersion: '1.2' | '1.3'; daysLeft: number }
}

export interface HttpCheck {
  kind: 'http'
  /** From outside, or through the API server to one of a service's pods. */
  target: { url: string } | { service: string; port: string; path: string }
  method: string
  headers: Record<string, string>
  body?: string
  expect: HttpExpectation
}

/** A connection from inside a service's pod. */
export interface TcpCheck {
  kind: 'tcp'
  service: string
  /** `host:port`, or the names of the files under SECRETS_PATH that hold it, in one or in two parts. */
  address: string | { files: string[] }
}

export interface SmokeTest {
  name: string
  tags: string[]
  /** Undefined: in all. */
  environments?: string[]
  timeoutMs: number
  attempts: number
  /** Milliseconds between two attempts. */
  pauseMs: number
  check: HttpCheck | TcpCheck
}

export interface SmokeSuite {
  file: string
  tests: SmokeTest[]
}
