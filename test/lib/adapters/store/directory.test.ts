import { createHash, randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DirectoryStore } from '../../../../src/lib/adapters/store/directory.ts'

const MIB = 1024 * 1024

describe('an object of a directory', () => {
  let folder: string
  let store: DirectoryStore

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'emr-store-'))
    store = new DirectoryStore(folder)
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it.each([
    ['nothing', []],
    ['less than one write', [1, 100]],
    ['just one write', [MIB]],
    ['more than one write', [64_000, 700_000, 500_000, 1, MIB, 3]],
    ['a chunk larger than a write', [10, 3 * MIB + 1, 20]],
  ])('has every byte in its order: %s', async (_what, sizes) => {
    const chunks = sizes.map((size) => randomBytes(size))
    const writer = await store.create('a/b')
    for (const chunk of chunks) {
      // Whoever writes may use the memory again at once.
      const lent = Buffer.from(chunk)
      await writer.write(lent)
      lent.fill(0)
    }
    await writer.complete()
    const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
    expect(sha256(await buffer(await store.read('a/b')))).toBe(sha256(Buffer.concat(chunks)))
  })

  it('that the disk does not give is no damage: the store fails, and says where', async () => {
    await mkdir(join(folder, 'a'))
    // The operating system answers EIO to whoever reads the first page of a process's memory.
    await symlink('/proc/self/mem', join(folder, 'a/b'))
    const reading = store.read('a/b').then(buffer)
    await expect(reading).rejects.toMatchObject({
      code: 'STORE_UNREACHABLE',
      exitCode: 5,
      message: expect.stringContaining(join(folder, 'a/b')),
    })
  })

  it('is there only when it is complete, and not at all when it is given up', async () => {
    const writer = await store.create('a/b')
    await writer.write(Buffer.from('half'))
    expect(await store.list('a')).toEqual([])
    expect(await store.unfinishedUploads('a')).toMatchObject([{ key: 'a/b' }])
    await writer.abort()
    expect(await store.unfinishedUploads('a')).toEqual([])
  })
})
