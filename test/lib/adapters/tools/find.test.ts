import { chmodSync } from 'node:fs'
import { delimiter } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { findTool } from '../../../../src/lib/adapters/tools/find.ts'
import type { Runner } from '../../../../src/lib/process/runner.ts'
import { temporaryFolder } from '../../../support/project.ts'

const runner = {
  run: async () => ({ stdout: '{"clientVersion": {"gitVersion": "v1.34.1"}}' }),
} as unknown as Runner

afterEach(() => vi.unstubAllEnvs())

test('a program of PATH is named with its folder: the first that can be run', async () => {
  const folder = temporaryFolder({ 'text/kubectl': '', 'folder/kubectl/x': '', 'bin/kubectl': '' })
  chmodSync(`${folder}/text/kubectl`, 0o644)
  chmodSync(`${folder}/bin/kubectl`, 0o755)
  vi.stubEnv(
    'PATH',
    ['', 'missing', 'text', 'folder', 'bin'].map((each) => `${folder}/${each}`).join(delimiter),
  )
  expect(await findTool('kubectl', undefined, runner)).toMatchObject({
    path: `${folder}/bin/kubectl`,
    source: 'PATH',
  })
})
