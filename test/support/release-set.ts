import type { ReleaseSet } from '../../src/lib/domain/release/release-set.ts'

/** The set of a deploy that went well and changed nothing. */
export function releaseSet(id: string, rest: Partial<ReleaseSet> = {}): ReleaseSet {
  return {
    id,
    operation: 'deploy',
    environment: 'test',
    by: { name: 'me', host: 'here' },
    startedAt: '2026-01-01T00:00:00.000Z',
    outcome: 'good',
    proven: true,
    request: { services: [] },
    phases: [],
    services: {},
    ...rest,
  }
}
