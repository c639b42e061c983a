import { describe, expect, test } from 'vitest'
import type { HttpAnswer } from '../../../src/lib/domain/smoke-test/evaluate.ts'
import type { SmokeTest } from '../../../src/lib/domain/smoke-test/suite.ts'
import { junitXml } from '../../../src/lib/output/junit.ts'
import { runSmokeTests, type SmokePorts } from '../../../src/lib/workflows/smoke-test/run.ts'

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: expressions of smoke tests
const smoke = (name: string, rest: Partial<SmokeTest> = {}): SmokeTest => ({
  name,
  tags: [],
  timeoutMs: 100,
  attempts: 3,
  pauseMs: 1,
  check: {
    kind: 'http',
    target: { url: '${gateway}/' },
    method: 'GET',
    headers: { authorization: '${secret.TOKEN}' },
    expect: { status: [200], headers: {}, json: {}, contains: [], lacks: [] },
  },
  ...rest,
})
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: expressions of smoke tests

const ok: HttpAnswer = { status: 200, headers: {}, body: '', durationMs: 1 }

/** Answers in turn; the last one again and again. */
function ports(...answers: (HttpAnswer | Error)[]): SmokePorts & { asked: unknown[] } {
  const asked: unknown[] = []
  return {
    asked,
    environment: 'sandbox',
    values: { gateway: 'http://gw', 'secret.TOKEN': 's3cret' },
    secrets: ['s3cret'],
    signal: new AbortController().signal,
    now: Date.now,
    ask: async (check) => {
      asked.push(check)
      const next = answers[Math.min(asked.length, answers.length) - 1]
      if (next instanceof Error) throw next
      return next as HttpAnswer
    },
    connect: async () => undefined,
  }
}

const run = (given: SmokePorts, tests: SmokeTest[], tags: string[] = []) =>
  runSmokeTests(given, { file: 'smoke-tests.yaml', tests }, tags, () => undefined)

test('expressions are filled in', async () => {
  const given = ports(ok)
  await run(given, [smoke('a')])
  expect(given.asked).toMatchObject([{ target: { url: 'http://gw/' }, headers: { authorization: 's3cret' } }])
})

describe('attempts', () => {
  test('a test that passes at a later try is flaky, and the report passes', async () => {
    const report = await run(ports({ ...ok, status: 503 }, ok), [smoke('a')])
    expect(report.outcome).toBe('passed')
    expect(report.tests[0]?.outcome).toBe('flaky')
    expect(report.tests[0]?.attempts.map(({ problems }) => problems.length)).toEqual([1, 0])
  })
  test('all of them are kept when it fails', async () => {
    const report = await run(ports(new Error('connect ECONNREFUSED')), [smoke('a')])
    expect(report).toMatchObject({ outcome: 'failed', tests: [{ outcome: 'failed' }] })
    expect(report.tests[0]?.attempts.map(({ problems }) => problems)).toEqual(
      Array.from({ length: 3 }, () => ['connect ECONNREFUSED']),
    )
  })
})

test('a secret that a server sends back is not shown', async () => {
  const report = await run(ports({ ...ok, status: 401, body: 'bad token s3cret' }), [
    smoke('a', { attempts: 1 }),
  ])
  expect(JSON.stringify(report)).not.toContain('s3cret')
  expect(report.tests[0]?.attempts[0]?.problems[0]).toContain('bad token ***')
})

test('tags choose; tests for other environments are skipped with the reason', async () => {
  const tests = [
    smoke('a', { tags: ['x'] }),
    smoke('b', { tags: ['y'] }),
    smoke('c', { tags: ['x'], environments: ['production'] }),
  ]
  const report = await run(ports(ok), tests, ['x'])
  expect(report.tests.map(({ name, outcome, reason }) => [name, outcome, reason])).toEqual([
    ['a', 'passed', undefined],
    ['c', 'skipped', 'only in production'],
  ])
  expect((await run(ports(ok), tests.slice(2))).outcome).toBe('none')
})

test('as JUnit: counts, reasons, tries, and nothing that is no XML', async () => {
  const failing = { ...ok, status: 500, body: '<b>&\u0007 "quoted"' }
  const tests = [smoke('a', { attempts: 2 }), smoke('c', { environments: ['production'] })]
  const xml = junitXml(await run(ports(failing), tests))
  expect(xml).toContain('<testsuites name="smoke tests" tests="2" failures="1" errors="0" skipped="1"')
  expect(xml).toContain('<failure message="status 500, not 200: &lt;b&gt;&amp; &quot;quoted&quot;"')
  expect(xml).toContain('<rerunFailure')
  expect(xml).toContain('<skipped message="only in production"/>')
  expect(xml).not.toContain('\u0007')
})
