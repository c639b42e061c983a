import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { unreadable, unwritable } from '../../src/lib/files.ts'
import { asEmrError } from '../../src/lib/output/error-view.ts'
import { temporaryFolder } from '../support/project.ts'

test('files that cannot be read are told with the reason', async () => {
  const folder = temporaryFolder({ good: '' })
  expect(await unreadable(['good', 'missing', '', 'good/below'].map((name) => `${folder}/${name}`))).toEqual([
    `${folder}/missing does not exist`,
    `${folder}/ is a folder, not a file`,
    `${folder}/good/below: a part of the path is a file, not a folder`,
  ])
})

test('a folder that is there, or that can be made, can be written', async () => {
  const folder = temporaryFolder({ file: '' })
  expect(await unwritable(folder)).toBeUndefined()
  expect(await unwritable(`${folder}/new/below`)).toBeUndefined()
  expect(await unwritable(`${folder}/file`)).toBe(`${folder}/file is a file, and has to be a folder`)
  expect(await unwritable(`${folder}/file/below`)).toContain('a part of the path is a file')
})

test('faults of the file system are no bugs of emr', async () => {
  const folder = temporaryFolder()
  const reading = asEmrError(await readFile(folder).catch((error) => error))
  expect(reading).toMatchObject({ exitCode: 4, message: 'A folder is named where a file is needed' })
  const path = `${folder}/.emr/sandbox`
  // What Node says of `mkdir -p` on a read-only file system.
  const making = Object.assign(new Error('ENOENT'), { code: 'ENOENT', syscall: 'mkdir', path })
  expect(asEmrError(making)).toMatchObject({
    code: 'FILE_SYSTEM',
    exitCode: 4,
    message: `${path}: it cannot be made: is the file system read-only?`,
    suggestions: ['make it writable, or work in a copy of the project'],
  })
})

test('a file of emr itself that is missing is one', async () => {
  const error = await readFile('/no/such/file').catch((thrown) => thrown)
  expect(asEmrError(error).message).toContain('this is a bug in emr')
})
