import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { takeLock } from '../../../src/lib/sandbox/lock.ts'
import { temporaryFolder } from './support.ts'

describe('the lock of a sandbox', () => {
  let folder: string
  let file: string

  beforeEach(() => {
    folder = temporaryFolder()
    file = join(folder, 'lock')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('is had by one at a time', () => {
    const release = takeLock(file)
    expect(takeLock(file)).toBeUndefined()
    release?.()
    const again = takeLock(file)
    expect(again).toBeTypeOf('function')
    again?.()
  })

  it.each([
    ['zeros', Buffer.alloc(100)],
    ['a page of zeros', Buffer.alloc(8192)],
    ['text', Buffer.from('no database at all\n'.repeat(500))],
    ['the half of a header', Buffer.from('SQLite format 3\0')],
  ])('is taken in a file damaged to %s, and by one of two alone', (_what, content) => {
    writeFileSync(file, content)
    const release = takeLock(file)
    expect(release).toBeTypeOf('function')
    expect(takeLock(file)).toBeUndefined()
    release?.()
  })

  it('is still held when the file is damaged under its holder', () => {
    const release = takeLock(file)
    writeFileSync(file, 'damaged '.repeat(100))
    expect(takeLock(file)).toBeUndefined()
    release?.()
  })

  it('says why a file cannot be locked', () => {
    mkdirSync(file)
    expect(() => takeLock(file)).toThrow(`${file} cannot be locked`)
  })
})
