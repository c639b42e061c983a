import { z } from 'zod'
import { DURATION_PATTERN, parseDuration } from '../domain/duration.ts'
import { patternOf } from '../domain/smoke-test/evaluate.ts'
import { parseJsonPath } from '../domain/smoke-test/json-path.ts'

const duration = z.string().regex(DURATION_PATTERN, 'write a duration such as 500ms, 5s or 1m')
const STATUS = 'write a status from 100 to 599'
const status = z.int(STATUS).min(100, STATUS).max(599, STATUS)

/** Equal, or a match where it stands in slashes. */
const text = z.string().refine(isPattern, 'this is no regular expression')

const expect = z
  .strictObject({
    status: z
      .union([status, z.array(status).min(1)], { error: 'write a status such as 200, or a list of them' })
      .optional()
      .describe('Default: 200; with redirect: 301, 302, 307 or 308'),
    headers: z
      .record(
        z.string(),
        z.union([text, z.null()], { error: 'write a text, a regular expression as /pattern/, or null' }),
      )
      .default({})
      .describe('A text, /pattern/, or null for a header that must not be there'),
    json: z
      .record(
        z
          .string()
          .refine((path) => parseJsonPath(path) !== undefined, 'write a path such as checks[0].status'),
        z
          .unknown()
          .refine((value) => typeof value !== 'string' || isPattern(value), 'this is no regular expression'),
      )
      .default({})
      .describe('By path in the body (checks[0].status): a value, or /pattern/'),
    contains: z.array(z.string()).default([]).describe('Texts that the body must contain'),
    lacks: z.array(z.string()).default([]).describe('Texts that the body must not contain'),
    within: duration.optional().describe('Longest time to the end of the answer'),
    redirect: text.optional().describe('Where the answer redirects to'),
    tls: z
      .strictObject({
        minVersion: z.enum(['1.2', '1.3']).default('1.2').describe('Oldest TLS version, in quotes'),
        daysLeft: z.int().min(0).default(14).describe('Days that the certificate must still be valid'),
      })
      .optional(),
  })
  .prefault({})

const http = z
  .strictObject({
    url: z
      .string()
      .regex(/^(https?:\/\/|\$\{gateway\})/, 'a URL starts with https://, http:// or the expression gateway')
      .optional()
      .describe('From outside: an address, or the expression gateway and a path'),
    service: z.string().optional().describe('Instead of url: a service, asked through the API server'),
    port: z.string().default('http').describe('Name or number of the service’s port'),
    path: z.string().startsWith('/', 'a path starts with /').optional().describe('With service'),
    method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS']).default('GET'),
    headers: z.record(z.string(), z.string()).default({}),
    body: z.string().optional(),
    expect,
  })
  .refine(({ url, service }) => (url === undefined) !== (service === undefined), {
    error: 'name either a url or a service',
  })
  .refine(({ service, path }) => (service === undefined) === (path === undefined), {
    error: 'path belongs to service: write both or neither',
  })

const fileName = z.string().regex(/^[\w.-]+$/, 'write the name of a file under SECRETS_PATH')
const tcp = z.strictObject({
  service: z.string().describe('The service from whose pod the connection is made'),
  address: z
    .union([z.string().regex(/^.+:.+$/), z.strictObject({ files: z.array(fileName).min(1).max(2) })], {
      error: 'write host:port, or {files: [HOST_FILE, PORT_FILE]}',
    })
    .describe('host:port, or the files under SECRETS_PATH in the pod that hold it'),
})

const timing = {
  timeout: duration.optional().describe('Limit of one attempt. Default: 5s'),
  attempts: z.int().min(1).max(20).optional().describe('Default: 3'),
  pause: duration.optional().describe('Time between two attempts. Default: 1s'),
}

const test = z
  .strictObject({
    name: z.string().min(1),
    tags: z.array(z.string()).default([]),
    environments: z.array(z.string()).min(1).optional().describe('Only there; elsewhere it is skipped'),
    ...timing,
    http: http.optional(),
    tcp: tcp.optional(),
  })
  .refine(({ http: one, tcp: other }) => (one === undefined) !== (other === undefined), {
    error: 'a test has either http or tcp',
  })

/** The file smoke-tests.yaml. */
export const smokeTestSchema = z.strictObject({
  defaults: z.strictObject(timing).prefault({}).describe('For tests that do not say otherwise'),
  tests: z.array(test).min(1),
})

export type SmokeTestFile = z.infer<typeof smokeTestSchema>

/** Milliseconds of a duration that the schema has checked. */
export function milliseconds(duration: string): number {
  return parseDuration(duration) ?? 0
}

function isPattern(value: string): boolean {
  try {
    patternOf(value)
    return true
  } catch {
    return false
  }
}
