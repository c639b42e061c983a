import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import type { ApiObject } from '../../../../src/lib/sandbox/json.ts'
import { type Change, Store } from '../../../../src/lib/sandbox/store/store.ts'
import { temporaryFolder } from '../support.ts'

function object(name: string, more: object = {}): ApiObject {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'ns' }, ...more }
}

describe('the store', () => {
  let file: string
  beforeEach(() => {
    file = join(temporaryFolder(), 'journal.jsonl')
  })

  it('gives each change a larger resource version', () => {
    const store = new Store(file)
    const first = store.put('secrets', object('a'))
    const second = store.put('secrets', object('a', { data: {} }))
    const third = store.delete('secrets', second.object)
    expect([first, second, third].map(({ revision }) => revision)).toEqual([1, 2, 3])
    expect(third.object.metadata.resourceVersion).toBe('3')
  })

  it('lists sorted by namespace and name', () => {
    const store = new Store(file)
    for (const name of ['b', 'c', 'a']) store.put('secrets', object(name))
    expect(store.list('secrets').map(({ name }) => name)).toEqual(['a', 'b', 'c'])
    expect(store.list('secrets', 'other')).toEqual([])
    expect(store.list('pods')).toEqual([])
  })

  it('tells listeners and late comers of the same changes', () => {
    const store = new Store(file)
    const heard: Change[] = []
    const unsubscribe = store.subscribe('secrets', (change) => heard.push(change))
    store.put('secrets', object('a'))
    store.put('pods', object('p'))
    const { object: stored } = store.put('secrets', object('a', { data: {} }))
    store.delete('secrets', stored)
    unsubscribe()
    store.put('secrets', object('b'))
    expect(heard.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED', 'DELETED'])
    expect(store.since('secrets', 0)?.slice(0, 3)).toEqual(heard)
    expect(store.since('secrets', 4)?.map(({ revision }) => revision)).toEqual([5])
  })

  it('forgets old changes, and says so', () => {
    const store = new Store(file)
    for (let n = 0; n < 7_000; n += 1) store.put('secrets', object('a', { n }))
    expect(store.since('secrets', 1)).toBeUndefined()
    expect(store.since('secrets', store.oldest)?.length).toBeGreaterThan(4_000)
  })

  it('comes back as it was', () => {
    const before = new Store(file)
    before.put('secrets', object('a'))
    const { object: gone } = before.put('secrets', object('b'))
    before.delete('secrets', gone)
    // As after kill -9: nothing is closed.
    const after = new Store(file)
    expect(after.list('secrets').map(({ name }) => name)).toEqual(['a'])
    expect(after.revision).toBe(3)
    expect(after.oldest).toBe(3)
    expect(after.put('secrets', object('c')).revision).toBe(4)
  })

  it('cuts a torn last line off', () => {
    new Store(file).put('secrets', object('a'))
    appendFileSync(file, '{"collection":"secrets","object":{"api')
    const store = new Store(file)
    expect(store.list('secrets')).toHaveLength(1)
    store.put('secrets', object('b'))
    expect(new Store(file).list('secrets')).toHaveLength(2)
  })

  it('leaves a damaged line out, and keeps the file as it was', () => {
    const before = new Store(file)
    for (const name of ['a', 'b', 'c']) before.put('secrets', object(name))
    const damaged = readFileSync(file, 'utf8').replace('"name":"b"', '"name":"b')
    writeFileSync(file, damaged)
    const names = (store: Store) => store.list('secrets').map(({ name }) => name)
    expect(names(new Store(file))).toEqual(['a', 'c'])
    expect(readFileSync(`${file}.broken`, 'utf8')).toBe(damaged)
    // Found once, mended once.
    rmSync(`${file}.broken`)
    expect(names(new Store(file))).toEqual(['a', 'c'])
    expect(existsSync(`${file}.broken`)).toBe(false)
  })

  it('compacts its journal without losing anything', () => {
    const store = new Store(file)
    for (let n = 0; n < 12_000; n += 1) store.put('secrets', object(`s${n % 10}`, { n }))
    const lines = readFileSync(file, 'utf8').split('\n').length
    expect(lines).toBeLessThan(12_000)
    const after = new Store(file)
    expect(after.list('secrets')).toHaveLength(10)
    expect(after.revision).toBe(12_000)
  })

  it('keeps its revision when everything was deleted before a stop', () => {
    const store = new Store(file)
    const { object: stored } = store.put('secrets', object('a'))
    store.delete('secrets', stored)
    store.close()
    expect(new Store(file).revision).toBe(2)
  })

  it('starts empty on a file that holds nothing readable', () => {
    writeFileSync(file, 'what is this\n')
    expect(new Store(file).revision).toBe(0)
  })
})
