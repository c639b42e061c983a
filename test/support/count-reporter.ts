import type { Reporter, TestModule } from 'vitest/node'

/** One plain line after vitest's own summary, for programs that read the log: `N passed, N failed`. */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const states = modules
      .flatMap((module) => [...module.children.allTests()])
      .map((test) => test.result().state)
    const passed = states.filter((state) => state === 'passed').length
    // A file that could not be loaded and an error outside of all tests fail the run, so they count.
    const broken = modules.filter(
      (module) => module.state() === 'failed' && [...module.children.allTests('failed')].length === 0,
    )
    const failed = states.filter((state) => state === 'failed').length + broken.length + errors.length
    process.stdout.write(`${passed} passed, ${failed} failed\n`)
  }
}
