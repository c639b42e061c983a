import { formatDuration } from '../duration.ts'
import { sameJson } from '../manifest/object.ts'
import { valueAt } from './json-path.ts'
import type { HttpExpectation } from './suite.ts'

export interface HttpAnswer {
  status: number
  /** Lower-case names. */
  headers: Record<string, string>
  body: string
  /** Milliseconds to the end of the body. */
  durationMs: number
  /** `version`: 1.3; `validTo`: epoch milliseconds. */
  tls?: { version: string; validTo: number }
}

const DAY_MS = 86_400_000
const EXCERPT = 120

/** What is not as expected; empty when all is. @param now epoch milliseconds */
export function problemsOf(expect: HttpExpectation, answer: HttpAnswer, now: number): string[] {
  const problems: string[] = []
  if (!expect.status.includes(answer.status)) {
    problems.push(`status ${answer.status}, not ${expect.status.join(' or ')}: ${excerpt(answer.body)}`)
  }
  for (const [name, wanted] of Object.entries(expect.headers)) {
    problems.push(...headerProblems(name, wanted, answer.headers[name.toLowerCase()]))
  }
  const { redirect } = expect
  if (redirect !== undefined) problems.push(...headerProblems('location', redirect, answer.headers.location))
  problems.push(...jsonProblems(expect.json, answer.body))
  for (const text of expect.contains) {
    if (!answer.body.includes(text))
      problems.push(`the body does not contain '${text}': ${excerpt(answer.body)}`)
  }
  for (const text of expect.lacks) {
    if (answer.body.includes(text)) problems.push(`the body contains '${text}'`)
  }
  if (expect.within !== undefined && answer.durationMs > expect.within) {
    problems.push(`took ${formatDuration(answer.durationMs)}, more than ${formatDuration(expect.within)}`)
  }
  if (expect.tls) problems.push(...tlsProblems(expect.tls, answer.tls, now))
  return problems
}

function headerProblems(name: string, wanted: string | null, found: string | undefined): string[] {
  if (wanted === null) return found === undefined ? [] : [`header ${name} is there: '${found}'`]
  if (found === undefined) return [`header ${name} is missing`]
  return fits(wanted, found) ? [] : [`header ${name} is '${found}', not '${wanted}'`]
}

function jsonProblems(expected: HttpExpectation['json'], body: string): string[] {
  const paths = Object.entries(expected)
  if (paths.length === 0) return []
  let document: unknown
  try {
    document = JSON.parse(body)
  } catch {
    return [`the body is not JSON: ${excerpt(body)}`]
  }
  return paths.flatMap(([path, wanted]) => {
    const found = valueAt(document, path)
    if (found === undefined) return [`${path} is missing in the body: ${excerpt(body)}`]
    return fits(wanted, found) ? [] : [`${path} is ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`]
  })
}

function tlsProblems(
  { minVersion, daysLeft }: NonNullable<HttpExpectation['tls']>,
  tls: HttpAnswer['tls'],
  now: number,
): string[] {
  if (tls === undefined) return ['the connection is not encrypted']
  const left = Math.floor((tls.validTo - now) / DAY_MS)
  return [
    ...(Number(tls.version) < Number(minVersion) ? [`TLS ${tls.version}, older than ${minVersion}`] : []),
    ...(left < daysLeft ? [`the certificate ends in ${left} days, fewer than ${daysLeft}`] : []),
  ]
}

function fits(wanted: unknown, found: unknown): boolean {
  const pattern = typeof wanted === 'string' ? patternOf(wanted) : undefined
  return pattern ? pattern.test(String(found)) : sameJson(wanted, found)
}

/** The regular expression that a text in slashes stands for. @throws {SyntaxError} where it is none */
export function patternOf(text: string): RegExp | undefined {
  return text.length > 2 && text.startsWith('/') && text.endsWith('/')
    ? new RegExp(text.slice(1, -1))
    : undefined
}

function excerpt(body: string): string {
  const line = body.replaceAll(/\s+/g, ' ').trim()
  return line.length > EXCERPT ? `${line.slice(0, EXCERPT)}…` : line || '(empty)'
}
