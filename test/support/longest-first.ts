import { relative } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Half a minute and more on two cores, the longest first. */
export const LONGEST = [
  'test/e2e/infrastructure/lifecycle.test.ts',
  'test/e2e/safety/kills.test.ts',
  'test/e2e/infrastructure/whole-module.test.ts',
  'test/e2e/faults.test.ts',
  'test/e2e/safety/release-sets.test.ts',
  'test/terraform/module.test.ts',
  'test/e2e/infrastructure/interrupted.test.ts',
  'test/terraform/policies.test.ts',
  'test/e2e/monitor/dashboard.test.ts',
  'test/e2e/safety/outage.test.ts',
  'test/e2e/safety/lock.test.ts',
  'test/lib/backup/killed-backup.test.ts',
  'test/lib/backup/end.test.ts',
  'test/lib/backup/killed-restore.test.ts',
  'test/lib/backup/chain-break.test.ts',
  'test/e2e/deploy.test.ts',
  'test/e2e/interrupts.test.ts',
  'test/e2e/preflight.test.ts',
  'test/e2e/monitor/changes.test.ts',
]

/**
 * A long file that starts last keeps one worker busy while the others have nothing left. In a fresh clone vitest knows no
 * durations and goes by the size of files, which says little of those that wait: so the longest are named. All else is in
 * vitest's own order.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const found = LONGEST.indexOf(relative(this.ctx.config.root, moduleId))
      return found === -1 ? LONGEST.length : found
    }
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b))
  }
}
