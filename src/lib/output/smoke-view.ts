import { formatDuration } from '../domain/duration.ts'
import { failedTests, type SmokeReport, type TestResult } from '../workflows/smoke-test/report.ts'
import { count } from './count.ts'
import { symbols, type Theme } from './theme.ts'

/** One line for each test, the failures again with what was wrong, and the sum. */
export function smokeReportView(report: SmokeReport, theme: Theme): string {
  const { environment, tests, outcome, durationMs } = report
  const sign = outcome === 'failed' ? theme.bad(symbols.bad) : theme.good(symbols.good)
  const sum = `${sign} ${environment}: ${count(tests.length, 'smoke test')}: ${outcomeCounts(report)} (${formatDuration(durationMs)})`
  const notes = report.reportingProblems?.map((problem) => theme.warn(`${symbols.warn} ${problem}`)) ?? []
  return [...tests.map((test) => testLine(test, theme)), ...failedTests(report), ...notes, sum].join('\n')
}

/** `13 passed, 1 flaky, 2 skipped` */
export function outcomeCounts({ tests }: SmokeReport): string {
  return (['passed', 'flaky', 'failed', 'skipped'] as const)
    .map((outcome) => ({ outcome, number: tests.filter((test) => test.outcome === outcome).length }))
    .filter(({ number }) => number > 0)
    .map(({ outcome, number }) => `${number} ${outcome}`)
    .join(', ')
}

function testLine({ name, outcome, reason, attempts }: TestResult, theme: Theme): string {
  const time = formatDuration(attempts.reduce((total, { durationMs }) => total + durationMs, 0))
  const tries = attempts.length > 1 ? `, ${attempts.length} tries` : ''
  return {
    passed: `${theme.good(symbols.good)} ${name} ${theme.faint(`(${time})`)}`,
    flaky: `${theme.warn(symbols.warn)} ${name} ${theme.warn(`flaky (${time}${tries}): ${attempts[0]?.problems[0]}`)}`,
    failed: `${theme.bad(symbols.bad)} ${name} ${theme.bad(`failed (${time}${tries})`)}`,
    skipped: `${theme.faint(symbols.skipped)} ${name} ${theme.faint(`skipped: ${reason}`)}`,
  }[outcome]
}
