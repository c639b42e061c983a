import { expect, test } from 'vitest'
import type { ReleaseSet } from '../../../src/lib/domain/release/release-set.ts'
import { unfinishedDeploy } from '../../../src/lib/workflows/deploy/resume.ts'
import { releaseSet } from '../../support/release-set.ts'

const last = (rest: Partial<ReleaseSet>) => [releaseSet('x', { operation: 'rollback', ...rest })]
const request = { services: [] }

test.each([
  ['running', undefined, 'the last operation was rollback x, and it was cut off'],
  ['abandoned', undefined, 'the last operation was rollback x, and it was cut off'],
  ['running', 'x', 'the last operation was rollback x, and it is at work'],
  ['good', undefined, 'the last operation was rollback x, and it ended: good'],
] as const)('a rollback is not resumed: %s, at work: %s', (outcome, atWork, message) => {
  expect(() => unfinishedDeploy(last({ outcome, request }), 'test', atWork)).toThrow(message)
})

test('a deploy that was cut off is', () => {
  const sets = last({ operation: 'deploy', outcome: 'running', request })
  expect(unfinishedDeploy(sets, 'test', undefined)).toBe(sets[0])
})
