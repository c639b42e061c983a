import { expect, test } from 'vitest'
import { EmrError, ExitCode } from '../../../src/lib/errors.ts'
import { verify } from '../../../src/lib/workflows/backup/verify.ts'
import { full } from '../domain/backup/generate.ts'

const object = { name: 'data-1', content: 'data', bytes: 1, sha256: '' } as const
const manifest = { ...full('a', 0), objects: [object] }
const run = {
  progress: { step: () => undefined, total: () => undefined },
  signal: new AbortController().signal,
}

function checkedBy(code: string, details = {}) {
  const check = async () => {
    throw new EmrError('as the test wants it', { code, exitCode: ExitCode.tool, details })
  }
  return verify({ manifests: [manifest], damaged: [], unfinished: [] }, undefined, { check }, run)
}

test.each([
  ['BACKUP_DAMAGED', {}],
  ['STORE_OBJECT_MISSING', {}],
  ['TOOL_FAILED', { exitCode: 1 }],
])('%s speaks against the backup', async (code, details) => {
  expect(await checkedBy(code, details)).toMatchObject({
    ok: false,
    backups: [{ id: 'a', problems: ['as the test wants it'] }],
  })
})
test.each([
  ['STORE_UNREACHABLE', {}],
  ['STORE_DENIED', {}],
  // Killed, or not started.
  ['TOOL_FAILED', { exitCode: -1 }],
])('%s says nothing of it, so there is no verdict', async (code, details) => {
  await expect(checkedBy(code, details)).rejects.toMatchObject({ code })
})
