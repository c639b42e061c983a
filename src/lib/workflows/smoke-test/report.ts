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
  /** Why the tests have no result; then they have failed. */
  error?: string
  /** The cluster could not be asked: whether the services work is not known. */
  unknown?: boolean
  /** What could not be written about it; that decides no outcome. */
  reportingProblems?: string[]
}

/** Each failed test with what was wrong at its last try. */
export function failedTests({ tests, error }: SmokeReport): string[] {
  const failed = tests
    .filter(({ outcome }) => outcome === 'failed')
    .flatMap(({ name, attempts }) => {
      const problems = attempts.at(-1)?.problems ?? []
      const tries = attempts.length === 1 ? '' : ` (${attempts.length} tries)`
      return [`  • ${name}${tries}`, ...problems.map((problem) => `      ${problem}`)]
    })
  return [...(error === undefined ? [] : [`  • ${error}`]), ...failed]
}
