import { expect, test } from 'vitest'
import {
  KubernetesApiError,
  KubernetesConnectionError,
} from '../../../../src/lib/adapters/kubernetes/api-error.ts'
import { KubernetesClient } from '../../../../src/lib/adapters/kubernetes/client.ts'
import { ContainerLog, READ_BYTES } from '../../../../src/lib/adapters/kubernetes/pod-log.ts'
import type { LinesOptions } from '../../../../src/lib/adapters/kubernetes/transport.ts'

const LINES = ['a', 'b', 'c', 'd'].map((text, index) => `2026-03-14T03:15:0${index}Z ${text}`)

/** Serves one log, whose connection breaks behind the given numbers of lines. */
class Breaking extends KubernetesClient {
  readonly asked: LinesOptions[] = []
  readonly #breaks: number[]
  readonly #bytes: number

  constructor(breaks: number[], bytes = 100) {
    super({ kubeconfig: '', context: '', server: 'https://127.0.0.1:1', tls: {} })
    this.#breaks = breaks
    this.#bytes = bytes
  }

  override async *lines(_path: string, options: LinesOptions = {}): AsyncGenerator<string> {
    this.asked.push(options)
    const end = this.#breaks.shift()
    yield* LINES.slice(0, end)
    if (end !== undefined) throw new KubernetesConnectionError(this.access.server, new Error('aborted'))
    options.onEnd?.(this.#bytes)
  }
}

async function read(client: KubernetesClient) {
  const log = new ContainerLog(client, 'n', { pod: 'p', uid: 'u', container: 'c' })
  const lines = log.read({ previous: false, tail: 100 }, AbortSignal.timeout(10_000))
  const texts: string[] = []
  for (let step = await lines.next(); ; step = await lines.next()) {
    if (step.done) return { texts, isCut: step.value }
    texts.push(step.value.text)
  }
}

test('a log whose connection breaks is read on from where it broke, each line once', async () => {
  const client = new Breaking([2, 3])
  expect(await read(client)).toEqual({ texts: ['a', 'b', 'c', 'd'], isCut: false })
  expect(client.asked.map(({ query }) => [query?.tailLines, query?.sinceTime, query?.limitBytes])).toEqual([
    [100, undefined, READ_BYTES],
    [undefined, '2026-03-14T03:14:59Z', READ_BYTES],
    [undefined, '2026-03-14T03:15:00Z', READ_BYTES],
  ])
})

test('a log that breaks again and again without a new line is an error', async () => {
  await expect(read(new Breaking(Array(5).fill(1)))).rejects.toThrow('aborted')
})

test('a log that is longer than what is read says so', async () => {
  expect(await read(new Breaking([], READ_BYTES))).toMatchObject({ isCut: true })
})

test('a container that has not started has no log', async () => {
  class Waiting extends Breaking {
    override async *lines(): AsyncGenerator<string> {
      yield* []
      throw new KubernetesApiError(400, { message: 'is waiting to start' }, { request: 'GET /log' })
    }
  }
  expect(await read(new Waiting([]))).toEqual({ texts: [], isCut: false })
})
