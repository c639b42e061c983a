import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import type { TestSpecification, Vitest } from 'vitest/node'
import { LONGEST, LongestFirst } from './longest-first.ts'

const root = resolve(import.meta.dirname, '../..')

test('each file that is named as long is there', () => {
  expect(LONGEST.filter((file) => !existsSync(join(root, file)))).toEqual([])
})

test('long files start first, the longest of them before the others, whatever their size', async () => {
  const config = { root, isolate: true, sequence: { groupOrder: 0 } }
  const cache = { getTestSpecificationResult: () => undefined }
  const sequencer = new LongestFirst({ config, cache } as unknown as Vitest)
  const [longest = '', second = ''] = LONGEST
  const files = ['test/lib/sandbox/api.test.ts', second, 'test/e2e/help.test.ts', longest]
  const specifications = files.map((file) => ({
    moduleId: join(root, file),
    project: { name: 'real', config },
  }))
  const sorted = await sequencer.sort(specifications as unknown as TestSpecification[])
  expect(sorted.map(({ moduleId }) => moduleId)).toEqual(
    [longest, second, 'test/lib/sandbox/api.test.ts', 'test/e2e/help.test.ts'].map((file) =>
      join(root, file),
    ),
  )
})
