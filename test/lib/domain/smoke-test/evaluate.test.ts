import { describe, expect, test } from 'vitest'
import { type HttpAnswer, problemsOf } from '../../../../src/lib/domain/smoke-test/evaluate.ts'
import { parseJsonPath, valueAt } from '../../../../src/lib/domain/smoke-test/json-path.ts'
import type { HttpExpectation } from '../../../../src/lib/domain/smoke-test/suite.ts'

const NOW = Date.parse('2026-01-01T00:00:00Z')
const DAY = 86_400_000

const answer = (rest: Partial<HttpAnswer> = {}): HttpAnswer => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: '{"status":"ok","checks":[{"name":"db","ok":true}]}',
  durationMs: 20,
  ...rest,
})

const problems = (expectation: Partial<HttpExpectation>, rest: Partial<HttpAnswer> = {}) =>
  problemsOf(
    { status: [200], headers: {}, json: {}, contains: [], lacks: [], ...expectation },
    answer(rest),
    NOW,
  )

const good: [string, Partial<HttpExpectation>, Partial<HttpAnswer>?][] = [
  ['nothing but the status', {}],
  ['one of several statuses', { status: [200, 204] }],
  [
    'a header by pattern, another by its absence',
    { headers: { 'Content-Type': '/json/', 'x-powered-by': null } },
  ],
  ['values in the body', { json: { status: 'ok', 'checks[0].ok': true, 'checks[0].name': '/^d/' } }],
  ['texts in the body', { contains: ['db'], lacks: ['stack'] }],
  ['in time', { within: 20 }],
  [
    'a redirect',
    { status: [301], redirect: '/^https:/' },
    { status: 301, headers: { location: 'https://x/' } },
  ],
  ['TLS', { tls: { minVersion: '1.2', daysLeft: 14 } }, { tls: { version: '1.3', validTo: NOW + 20 * DAY } }],
]
test.each(good)('good: %s', (_, expectation, rest) => {
  expect(problems(expectation, rest)).toEqual([])
})

const bad: [string, Partial<HttpExpectation>, Partial<HttpAnswer>][] = [
  ['status 503, not 200: down', {}, { status: 503, body: 'down' }],
  ['header x is missing', { headers: { x: '1' } }, {}],
  ["header x is '2', not '1'", { headers: { x: '1' } }, { headers: { x: '2' } }],
  ["header x is there: '2'", { headers: { x: null } }, { headers: { x: '2' } }],
  ['status is "ok", not "up"', { json: { status: 'up' } }, {}],
  ['the body is not JSON: <html>', { json: { status: 'ok' } }, { body: '<html>' }],
  ['took 3.0 s, more than 2.0 s', { within: 2000 }, { durationMs: 3000 }],
  ['header location is missing', { redirect: 'https://x/' }, {}],
  ['the connection is not encrypted', { tls: { minVersion: '1.2', daysLeft: 14 } }, {}],
  [
    'TLS 1.1, older than 1.2',
    { tls: { minVersion: '1.2', daysLeft: 0 } },
    { tls: { version: '1.1', validTo: NOW + DAY } },
  ],
  [
    'the certificate ends in 3 days, fewer than 14',
    { tls: { minVersion: '1.2', daysLeft: 14 } },
    { tls: { version: '1.3', validTo: NOW + 3 * DAY } },
  ],
]
test.each(bad)('bad: %s', (problem, expectation, rest) => {
  expect(problems(expectation, rest)).toEqual([problem])
})

test('a value that is missing is named with what is there instead', () => {
  expect(problems({ json: { version: 'v1' } })[0]).toMatch(/^version is missing in the body: \{"status"/)
  expect(problems({ contains: ['redis'] })[0]).toMatch(/^the body does not contain 'redis': /)
})

describe('paths', () => {
  test('lead to members of objects and lists', () => {
    expect(parseJsonPath('$.a-b[1].c')).toEqual(['a-b', 1, 'c'])
    expect(valueAt({ a: [{ b: 1 }] }, 'a[0].b')).toBe(1)
    expect(valueAt({ a: null }, 'a.b')).toBeUndefined()
  })
  test.each(['a[', 'a..b', 'a b', '[x]'])('%s is none', (path) => expect(parseJsonPath(path)).toBeUndefined())
})
