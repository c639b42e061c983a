import { setTimeout as delay } from 'node:timers/promises'
import { type HttpAnswer, problemsOf } from '../../domain/smoke-test/evaluate.ts'
import { expandAll } from '../../domain/smoke-test/expression.ts'
import type { HttpCheck, SmokeSuite, SmokeTest, TcpCheck } from '../../domain/smoke-test/suite.ts'
import { messageOf } from '../../errors.ts'
import type { Attempt, SmokeReport, TestResult } from './report.ts'

export interface SmokePorts {
  environment: string
  /** Each may throw what went wrong; then the attempt has failed. */
  ask: (check: HttpCheck, timeoutMs: number) => Promise<HttpAnswer>
  connect: (check: TcpCheck, timeoutMs: number) => Promise<void>
  /** Values of the expressions. */
  values: Record<string, string>
  /** Texts that must not be shown. */
  secrets: string[]
  signal: AbortSignal
  /** Epoch milliseconds. */
  now: () => number
}

const AT_ONCE = 8

/**
 * Runs the tests of a suite, several at a time, each until it passes or its attempts are used up.
 * @param tags only tests with one of them; empty for all
 */
export async function runSmokeTests(
  ports: SmokePorts,
  suite: SmokeSuite,
  tags: string[],
  onResult: (result: TestResult, done: number, all: number) => void,
): Promise<SmokeReport> {
  const startedAt = ports.now()
  const wanted = suite.tests.filter(
    (test) => tags.length === 0 || test.tags.some((tag) => tags.includes(tag)),
  )
  const results = new Map<SmokeTest, TestResult>()
  const queue = [...wanted]
  const worker = async () => {
    for (let test = queue.shift(); test !== undefined; test = queue.shift()) {
      const result = await runTest(ports, test).catch((error: unknown) =>
        withoutResult(ports, test, messageOf(error)),
      )
      results.set(test, result)
      onResult(result, results.size, wanted.length)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  ports.signal.throwIfAborted()
  const tests = wanted.map((test) => results.get(test) ?? withoutResult(ports, test, 'it has no result'))
  const ran = tests.filter(({ outcome }) => outcome !== 'skipped')
  const failed = ran.some(({ outcome }) => outcome === 'failed')
  return {
    environment: ports.environment,
    file: suite.file,
    outcome: ran.length === 0 ? 'none' : failed ? 'failed' : 'passed',
    startedAt: new Date(startedAt).toISOString(),
    durationMs: ports.now() - startedAt,
    tests,
  }
}

/** A test that something unexpected has ended. */
function withoutResult({ now }: SmokePorts, { name, tags }: SmokeTest, problem: string): TestResult {
  const attempt = { startedAt: new Date(now()).toISOString(), durationMs: 0, problems: [problem] }
  return { name, tags, outcome: 'failed', attempts: [attempt] }
}

async function runTest(ports: SmokePorts, test: SmokeTest): Promise<TestResult> {
  const { name, tags, environments } = test
  if (environments && !environments.includes(ports.environment)) {
    return { name, tags, outcome: 'skipped', reason: `only in ${environments.join(', ')}`, attempts: [] }
  }
  const attempts: Attempt[] = []
  while (attempts.length < test.attempts && !ports.signal.aborted) {
    if (attempts.length > 0)
      await delay(test.pauseMs, undefined, { signal: ports.signal }).catch(() => undefined)
    const startedAt = ports.now()
    const problems = (await attempt(ports, test)).map((problem) => hide(problem, ports.secrets))
    attempts.push({
      startedAt: new Date(startedAt).toISOString(),
      durationMs: ports.now() - startedAt,
      problems,
    })
    if (problems.length === 0) {
      return { name, tags, outcome: attempts.length === 1 ? 'passed' : 'flaky', attempts }
    }
  }
  return { name, tags, outcome: 'failed', attempts }
}

async function attempt(ports: SmokePorts, { check, timeoutMs }: SmokeTest): Promise<string[]> {
  const expanded = expandAll(check, ports.values)
  try {
    if (expanded.kind === 'http') {
      return problemsOf(expanded.expect, await ports.ask(expanded, timeoutMs), ports.now())
    }
    await ports.connect(expanded, timeoutMs)
    return []
  } catch (error) {
    return [messageOf(error)]
  }
}

function hide(text: string, secrets: string[]): string {
  return secrets
    .filter((secret) => secret !== '')
    .reduce((kept, secret) => kept.replaceAll(secret, '***'), text)
}
