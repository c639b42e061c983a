/** One try of one test. */
export interface Attempt {
  startedAt: string
  durationMs: number
  /** What was not as expected; empty when it passed. */
  problems: string[]
}

export interface TestResult {
  name: string
  tags: string[]
  /** `flaky`: it passed, but not at the first try. */
  outcome: 'passed' | 'flaky' | 'failed' | 'skipped'
  /** Why it was skipped. */
  reason?: string
  attempts: Attempt[]
}

export interface SmokeReport {
  environment: string
  /** The file with the tests. */
  file: string
  /** `none`: there was nothing to run. */
  outcome: 'passed' | 'failed' | 'none'
  startedAt: string
  durationMs: number
  tests: TestResult[]
}

/** Each failed test with what was wrong at its last try. */
export function failedTests({ tests }: SmokeReport): string[] {
  return tests
    .filter(({ outcome }) => outcome === 'failed')
    .flatMap(({ name, attempts }) => {
      const problems = attempts.at(-1)?.problems ?? []
      const tries = attempts.length === 1 ? '' : ` (${attempts.length} tries)`
      return [`  • ${name}${tries}`, ...problems.map((problem) => `      ${problem}`)]
    })
}
