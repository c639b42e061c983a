import type { SmokeReport, TestResult } from '../workflows/smoke-test/report.ts'

/** The report as CI systems read it; flaky tests as the Surefire plugin writes them. */
export function junitXml({ environment, tests, startedAt, durationMs }: SmokeReport): string {
  const count = (outcome: TestResult['outcome']) => tests.filter((test) => test.outcome === outcome).length
  const totals = attributes({
    tests: tests.length,
    failures: count('failed'),
    errors: 0,
    skipped: count('skipped'),
    time: seconds(durationMs),
  })
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="smoke tests"${totals}>`,
    `  <testsuite${attributes({ name: environment, timestamp: startedAt })}${totals}>`,
    ...tests.flatMap((test) => testCase(environment, test)),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n')
}

function testCase(environment: string, { name, outcome, reason, attempts }: TestResult): string[] {
  const time = attempts.reduce((sum, { durationMs }) => sum + durationMs, 0)
  const open = `    <testcase${attributes({ name, classname: `smoke.${environment}`, time: seconds(time) })}`
  const problems = attempts.filter((each) => each.problems.length > 0).map((each) => each.problems.join('\n'))
  const element = (tag: string, text: string) =>
    `      <${tag}${attributes({ message: text.split('\n')[0] ?? '' })}>${escaped(text)}</${tag}>`
  const inner = {
    passed: [],
    skipped: [`      <skipped${attributes({ message: reason ?? '' })}/>`],
    flaky: problems.map((text) => element('flakyFailure', text)),
    failed: [
      element('failure', problems.at(-1) ?? ''),
      ...problems.slice(0, -1).map((text) => element('rerunFailure', text)),
    ],
  }[outcome]
  return inner.length === 0 ? [`${open}/>`] : [`${open}>`, ...inner, '    </testcase>']
}

function attributes(values: Record<string, string | number>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escaped(String(value))}"`)
    .join('')
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3)
}

/** Answers of servers may hold control characters, which XML 1.0 has no way to write. */
function escaped(text: string): string {
  const plain = [...text].filter((char) => char >= ' ' || char === '\n' || char === '\t').join('')
  return plain
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\n', '&#10;')
}
