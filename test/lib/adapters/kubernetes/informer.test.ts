import { once } from 'node:events'
import { expect, test } from 'vitest'
import {
  KubernetesApiError,
  KubernetesConnectionError,
} from '../../../../src/lib/adapters/kubernetes/api-error.ts'
import type { KubernetesClient } from '../../../../src/lib/adapters/kubernetes/client.ts'
import { Informer } from '../../../../src/lib/adapters/kubernetes/informer.ts'
import { resources } from '../../../../src/lib/adapters/kubernetes/resources.ts'
import type {
  KubernetesList,
  KubernetesObject,
  WatchEvent,
} from '../../../../src/lib/adapters/kubernetes/types.ts'

const object = (name: string, resourceVersion = '1'): KubernetesObject => ({
  metadata: { name, uid: name, resourceVersion },
})

type Answer = KubernetesList<KubernetesObject> | WatchEvent<KubernetesObject>[] | Error

/** A server whose answers are written down beforehand; the last watch stays open until the test ends. */
function scripted(answers: Answer[]) {
  const asked: string[] = []
  const controller = new AbortController()
  const silent = Promise.withResolvers<void>()
  const next = (): Answer | undefined => answers.shift()
  const client: Pick<KubernetesClient, 'each' | 'watch'> = {
    async each(_type, options, take) {
      asked.push(`list${options.continue ? ` from ${options.continue}` : ''}`)
      const answer = next()
      if (answer instanceof Error) throw answer
      const page = answer as KubernetesList<never>
      for (const item of page.items) take(item)
      return { ...page, items: [] }
    },
    async *watch(_type, options) {
      asked.push(`watch from ${options.resourceVersion}`)
      const answer = next()
      if (answer instanceof Error) throw answer
      options.onOpen?.()
      if (answer) yield* answer as WatchEvent<never>[]
      else {
        silent.resolve()
        await once(controller.signal, 'abort')
      }
    },
  }
  return { client, asked, controller, silent: silent.promise }
}

/** Runs an informer through the script until the server has nothing more to say. */
async function follow(answers: Answer[]) {
  const { client, asked, controller, silent } = scripted(answers)
  const connection: string[] = []
  const informer = new Informer(client, resources.pods, {
    signal: controller.signal,
    project: (each: KubernetesObject) => each.metadata?.resourceVersion,
    onChange: () => undefined,
    onConnection: (error) => connection.push(error ? 'lost' : 'back'),
  })
  const run = informer.run()
  await Promise.race([run, silent])
  controller.abort()
  await run
  return { items: Object.fromEntries(informer.items), asked, connection }
}

const page = (items: KubernetesObject[], resourceVersion: string, token?: string) => ({
  metadata: { resourceVersion, continue: token },
  items,
})

test('lists in pages, then watches from where the list ended', async () => {
  const result = await follow([
    page([object('a')], '7', 'next'),
    page([object('b')], '7'),
    [
      { type: 'ADDED', object: object('c', '8') },
      { type: 'MODIFIED', object: object('a', '9') },
      { type: 'DELETED', object: object('b', '10') },
    ],
  ])
  expect(result.items).toEqual({ a: '9', c: '8' })
  expect(result.asked).toEqual(['list', 'list from next', 'watch from 7', 'watch from 10'])
})

test('a bookmark moves the place to go on from, and is no object', async () => {
  const result = await follow([
    page([], '1'),
    [{ type: 'BOOKMARK', object: { metadata: { resourceVersion: '50' } } }],
  ])
  expect(result.items).toEqual({})
  expect(result.asked.slice(1)).toEqual(['watch from 1', 'watch from 50'])
})

test.each([
  ['as an answer', new KubernetesApiError(410, { reason: 'Expired' }, { request: 'GET' })],
  ['as an event', [{ type: 'ERROR' as const, object: { kind: 'Status', code: 410 } as KubernetesObject }]],
])('410 Gone %s is said and leads to a new list, without rows that are gone', async (_how, gone) => {
  const result = await follow([page([object('a'), object('b')], '5'), gone, page([object('b', '9')], '9')])
  expect(result.items).toEqual({ b: '9' })
  expect(result.asked).toEqual(['list', 'watch from 5', 'list', 'watch from 9'])
  expect(result.connection).toEqual(['lost', 'back'])
})

test('a lost connection and faults of the server are waited out, and said', async () => {
  const lost = new KubernetesConnectionError('https://x', new Error('ECONNREFUSED'))
  const throttled = new KubernetesApiError(429, {}, { request: 'GET' })
  const result = await follow([
    lost,
    page([object('a')], '5'),
    throttled,
    [{ type: 'ADDED', object: object('b', '6') }],
  ])
  expect(result.items).toEqual({ a: '1', b: '6' })
  expect(result.asked).toEqual(['list', 'list', 'watch from 5', 'watch from 5', 'watch from 6'])
  expect(result.connection).toEqual(['lost', 'back', 'lost', 'back'])
})

test('a server that is back counts as such before anything changes', async () => {
  const lost = new KubernetesConnectionError('https://x', new Error('ECONNRESET'))
  const result = await follow([page([object('a')], '5'), lost])
  expect(result.connection).toEqual(['lost', 'back'])
})

test('a refusal that waiting cannot mend ends it', async () => {
  const forbidden = new KubernetesApiError(403, { message: 'pods is forbidden' }, { request: 'GET' })
  await expect(follow([forbidden])).rejects.toThrow('pods is forbidden')
})
