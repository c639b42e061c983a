import type { Event, Pod } from 'kubernetes-types/core/v1.js'
import { describe, expect, test } from 'vitest'
import { isNoLog, KubernetesApiError } from '../../../../src/lib/adapters/kubernetes/api-error.ts'
import { KubernetesClient } from '../../../../src/lib/adapters/kubernetes/client.ts'
import { eventFacts, podFacts } from '../../../../src/lib/adapters/kubernetes/facts.ts'
import { resources } from '../../../../src/lib/adapters/kubernetes/resources.ts'

/** A client whose server answers every request so. */
class Answered extends KubernetesClient {
  readonly answer: string
  constructor(answer: string) {
    super({ kubeconfig: '', context: '', server: 'https://127.0.0.1:1', tls: {} })
    this.answer = answer
  }
  override text = async () => this.answer
  protected override send = async () =>
    (async function* (text) {
      yield Buffer.from(text)
    })(this.answer) as never
}

test.each([
  [
    'null, as an empty list of metadata',
    '{"kind":"PartialObjectMetadataList","metadata":{"resourceVersion":"7"},"items":null}',
    '7',
  ],
  ['absent', '{"kind":"List","metadata":{"resourceVersion":"7"}}', '7'],
  ['null, without metadata', '{"items":null}', undefined],
])('items that are %s are none', async (_, answer, resourceVersion) => {
  const client = new Answered(answer)
  const page = await client.list(resources.configMaps)
  expect(page.items).toEqual([])
  expect(page.metadata.resourceVersion).toBe(resourceVersion)
  const taken: unknown[] = []
  const each = await client.each(resources.configMaps, {}, (item) => taken.push(item))
  expect([taken, each.metadata.resourceVersion]).toEqual([[], resourceVersion])
})

test('times that are null are no times', () => {
  const event = {
    metadata: { uid: 'e' },
    involvedObject: {},
    ...{ lastTimestamp: null, firstTimestamp: null, eventTime: null, series: null },
  } as unknown as Event
  expect(eventFacts(event).at).toBe(0)
})

test('a pod of which nothing is known but its name has facts', () => {
  const nulls = {
    containerStatuses: null,
    initContainerStatuses: null,
    conditions: null,
    ephemeralContainerStatuses: null,
  }
  const pod = { metadata: { name: 'a', creationTimestamp: null, labels: null }, spec: null, status: nulls }
  expect(podFacts(pod as unknown as Pod)).toMatchObject({
    name: 'a',
    createdAt: 0,
    ready: false,
    containers: [],
  })
})

describe('the log of a container', () => {
  const refused = (status: number, message: string) =>
    isNoLog(new KubernetesApiError(status, { message }, { request: 'GET' }))
  test.each([
    [400, 'container "app" in pod "a" is waiting to start: ContainerCreating'],
    [400, 'previous terminated container "app" in pod "a" not found'],
    [400, 'pod a does not have a host assigned'],
    [404, 'pods "a" not found'],
  ])('is not there yet, or no more: %i %s', (status, message) => {
    expect(refused(status, message)).toBe(true)
  })
  test.each([
    [400, 'container app2 is not valid for pod a'],
    [400, 'a container name must be specified for pod a, choose one of: [app side]'],
    [400, 'strconv.ParseInt: parsing "x": invalid syntax'],
    [403, 'pods "a" is forbidden: cannot get resource "pods/log"'],
    [500, 'Get "https://10.0.0.1:10250/containerLogs": dial tcp: i/o timeout'],
  ])('is not known: %i %s', (status, message) => {
    expect(refused(status, message)).toBe(false)
  })
})
