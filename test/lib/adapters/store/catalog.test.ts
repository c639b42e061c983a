import { expect, test } from 'vitest'
import { BackupCatalog } from '../../../../src/lib/adapters/store/catalog.ts'
import { DirectoryStore } from '../../../../src/lib/adapters/store/directory.ts'
import { temporaryFolder } from '../../../support/project.ts'
import { full } from '../../domain/backup/generate.ts'

async function prepare() {
  const store = new DirectoryStore(temporaryFolder())
  const catalog = new BackupCatalog(store, 'test')
  await store.put(catalog.keyOf('a', 'data-1'), 'data')
  const keys = async () => (await store.list('test/')).map(({ key }) => key).sort()
  return { catalog, keys }
}

test('a manifest that is in the store already is published where it is the same, byte for byte, and only there', async () => {
  const { catalog } = await prepare()
  expect(await catalog.publish(full('a', 0))).toBe(true)
  expect(await catalog.publish(full('a', 0))).toBe(true)
  expect(await catalog.publish(full('a', 1000))).toBe(false)
  expect((await catalog.read()).manifests).toEqual([full('a', 0)])
})

test('what is published is never discarded; what is not is', async () => {
  const { catalog, keys } = await prepare()
  await catalog.publish(full('a', 0))
  await catalog.discard('a')
  expect(await keys()).toEqual(['test/a/data-1', 'test/a/manifest.json'])
  await catalog.store.delete([catalog.keyOf('a', 'manifest.json')])
  await catalog.discard('a')
  expect(await keys()).toEqual([])
})
