import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/support/longest-first.ts'

/** Suites that start real programs; the rest is pure and runs in threads without isolation. */
const real = [
  'test/contract/**/*.test.ts',
  'test/e2e/**/*.test.ts',
  'test/helm/**/*.test.ts',
  'test/lib/backup/**/*.test.ts',
  'test/lib/sandbox/**/*.test.ts',
  'test/terraform/**/*.test.ts',
]

/** The infrastructure against an AWS emulator, with real Terraform: minutes, and a script of its own. */
const infra = ['test/e2e/infrastructure/**/*.test.ts']

export default defineConfig({
  test: {
    // The programs that the tests start wait for each other more than they compute.
    maxWorkers: '100%',
    sequence: { sequencer: LongestFirst },
    reporters: ['default', './test/support/count-reporter.ts'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: real,
          pool: 'threads',
          isolate: false,
        },
      },
      {
        test: {
          name: 'real',
          include: real,
          exclude: infra,
          pool: 'forks',
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // A machine of a CI system that stalls for seconds makes a real deadline pass; a fault fails twice.
          retry: process.env.CI ? 1 : 0,
        },
      },
      {
        test: {
          name: 'infra',
          include: infra,
          pool: 'forks',
          testTimeout: 600_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
