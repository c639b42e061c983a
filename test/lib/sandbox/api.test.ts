import type { Deployment } from 'kubernetes-types/apps/v1.js'
import type { Pod, Secret } from 'kubernetes-types/core/v1.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { resources } from '../../../src/lib/adapters/kubernetes/resources.ts'
import type { KubernetesObject, WatchEvent } from '../../../src/lib/adapters/kubernetes/types.ts'
import { deployment, startTestSandbox, type TestSandbox, until, untilGone } from './support.ts'

const namespace = 'api'
const secrets = resources.secrets
const secret = (name: string, more: Partial<Secret> = {}): KubernetesObject => ({
  metadata: { name },
  ...more,
})

describe('the API', () => {
  let sandbox: TestSandbox
  const client = () => sandbox.client

  beforeAll(async () => {
    sandbox = await startTestSandbox()
    await client().create(resources.namespaces, { metadata: { name: namespace } })
  })
  afterAll(() => sandbox.stop())

  it('refuses what is there already, is missing, or has changed meanwhile', async () => {
    const made = await client().create<KubernetesObject>(secrets, secret('a'), { namespace })
    await expect(client().create(secrets, secret('a'), { namespace })).rejects.toMatchObject({
      status: 409,
      reason: 'AlreadyExists',
      message: 'secrets "a" already exists',
    })
    await expect(client().get(secrets, 'b', { namespace })).rejects.toMatchObject({
      status: 404,
      message: 'secrets "b" not found',
    })
    await client().replace(secrets, { ...made, metadata: { ...made.metadata, labels: { a: 'b' } } })
    await expect(client().replace(secrets, made)).rejects.toMatchObject({
      status: 409,
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on secrets "a": the object has been modified; please apply your changes to the latest version and try again',
    })
  })

  it('makes names, and refuses wrong ones with a cause', async () => {
    const generated: KubernetesObject = { metadata: { generateName: 'x-' } }
    const made = await client().create(secrets, generated, { namespace })
    expect(made.metadata?.name).toMatch(/^x-[a-z0-9]{5}$/)
    await expect(client().create(secrets, secret('A_b'), { namespace })).rejects.toMatchObject({
      status: 422,
      body: { details: { causes: [{ field: 'metadata.name', reason: 'FieldValueInvalid' }] } },
      message: expect.stringContaining('a lowercase RFC 1123 subdomain must consist of'),
    })
  })

  it('does nothing on a dry run', async () => {
    await client().create(secrets, secret('dry'), { namespace, dryRun: true })
    await expect(client().get(secrets, 'dry', { namespace })).rejects.toMatchObject({ status: 404 })
  })

  it('keeps selectors of Deployments as they are', async () => {
    const web = deployment('web', { replicas: 0 })
    await client().create(resources.deployments, web as KubernetesObject, { namespace })
    const changed = { spec: { selector: { matchLabels: { app: 'other' } } } }
    const type = 'application/merge-patch+json'
    await expect(
      client().patch(resources.deployments, 'web', changed, { namespace, type }),
    ).rejects.toMatchObject({
      status: 422,
      message: expect.stringContaining('field is immutable'),
    })
  })

  it('checks what it is given', async () => {
    const broken = deployment('broken')
    broken.spec.template.metadata.labels.app = 'other'
    await expect(
      client().create(resources.deployments, broken as KubernetesObject, { namespace }),
    ).rejects.toMatchObject({
      status: 422,
      message:
        'Deployment.apps "broken" is invalid: spec.template.metadata.labels: Invalid value: {"app":"other"}: `selector` does not match template `labels`',
    })
    const empty = { metadata: { name: 'empty' }, spec: {} } as KubernetesObject
    await expect(client().create(resources.deployments, empty, { namespace })).rejects.toMatchObject({
      body: { details: { causes: [{ field: 'spec.selector' }, { field: 'spec.template' }] } },
    })
    const typed = { metadata: { name: 'typed' }, spec: { replicas: 'two' } } as KubernetesObject
    await expect(client().create(resources.deployments, typed, { namespace })).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining(
        'cannot unmarshal string into Go struct field .spec.replicas of type int32',
      ),
    })
  })

  it('puts quantities in canonical form', async () => {
    const object = deployment('quantities', { replicas: 0 })
    const [container] = object.spec.template.spec.containers
    if (container)
      container.resources = { requests: { cpu: '0.5', memory: '1024Mi' }, limits: { memory: '2048Mi' } }
    const made = (await client().create(resources.deployments, object as KubernetesObject, {
      namespace,
    })) as Deployment
    expect(made.spec?.template.spec?.containers[0]?.resources?.requests).toEqual({
      cpu: '500m',
      memory: '1Gi',
    })
  })

  it('lists in pages and by selectors', async () => {
    for (const name of ['p1', 'p2', 'p3']) {
      await client().create(
        secrets,
        { metadata: { name, labels: { page: name, all: 'yes' } } },
        { namespace },
      )
    }
    const first = await client().list(secrets, { namespace, labelSelector: 'all=yes', limit: 2 })
    expect(first.items.map(({ metadata }) => metadata?.name)).toEqual(['p1', 'p2'])
    const second = await client().list(secrets, {
      namespace,
      labelSelector: 'all=yes',
      limit: 2,
      continue: first.metadata.continue,
    })
    expect(second.items.map(({ metadata }) => metadata?.name)).toEqual(['p3'])
    expect(second.metadata).toEqual({ resourceVersion: first.metadata.resourceVersion })
    const some = await client().list(secrets, { namespace, labelSelector: 'page in (p1,p3),page!=p3' })
    expect(some.items.map(({ metadata }) => metadata?.name)).toEqual(['p1'])
    const byField = await client().list(secrets, { namespace, fieldSelector: 'metadata.name=p2' })
    expect(byField.items).toHaveLength(1)
    await expect(client().list(secrets, { namespace, fieldSelector: 'data.x=y' })).rejects.toMatchObject({
      status: 400,
      message: 'field label not supported: data.x',
    })
  })

  it('tells a watcher what enters and leaves its selection', async () => {
    const { metadata } = await client().list(secrets, { namespace })
    const seen: WatchEvent<KubernetesObject>['type'][] = []
    const options = { namespace, labelSelector: 'watched=yes', resourceVersion: metadata.resourceVersion }
    const watching = client().watch(secrets, { ...options, timeoutSeconds: 20 })
    const change = (labels: Record<string, string | null>) =>
      client().patch(
        secrets,
        'w',
        { metadata: { labels } },
        { namespace, type: 'application/merge-patch+json' },
      )
    await client().create(secrets, secret('w'), { namespace })
    await change({ watched: 'yes' })
    await change({ more: 'labels' })
    await change({ watched: null })
    for await (const { type } of watching) {
      seen.push(type)
      if (type === 'DELETED') break
    }
    expect(seen).toEqual(['ADDED', 'MODIFIED', 'DELETED'])
  })

  it('streams the initial state to a WatchList, ended by a bookmark', async () => {
    const query = {
      watch: true,
      sendInitialEvents: true,
      allowWatchBookmarks: true,
      resourceVersionMatch: 'NotOlderThan',
    }
    for await (const line of client().lines(`/api/v1/namespaces/${namespace}/secrets`, { query })) {
      const { type, object } = JSON.parse(line) as WatchEvent<KubernetesObject>
      if (type === 'ADDED') continue
      expect(type).toBe('BOOKMARK')
      expect(object.metadata?.annotations).toEqual({ 'k8s.io/initial-events-end': 'true' })
      break
    }
  })

  it('answers 410 to a resource version that it has forgotten', async () => {
    const often = { metadata: { name: 'often-changed' } }
    await client().create(secrets, often, { namespace })
    for (let index = 0; index < 6_100; index += 100) {
      await Promise.all(
        Array.from({ length: 100 }, (_, offset) =>
          client().patch(
            secrets,
            often.metadata.name,
            { metadata: { annotations: { n: String(index + offset) } } },
            {
              namespace,
              type: 'application/merge-patch+json',
            },
          ),
        ),
      )
    }
    for await (const { type, object } of client().watch(secrets, { namespace, resourceVersion: '5' })) {
      expect(type).toBe('ERROR')
      expect(object).toMatchObject({ code: 410, reason: 'Expired' })
    }
  })

  it('lets controllers finish before an object goes', async () => {
    await client().create(
      secrets,
      { metadata: { name: 'held', finalizers: ['example.com/hold'] } },
      { namespace },
    )
    await client().delete(secrets, 'held', { namespace })
    const held = await client().get<KubernetesObject>(secrets, 'held', { namespace })
    expect(held.metadata?.deletionTimestamp).toBeTruthy()
    const none = { metadata: { finalizers: null } }
    await client().patch(secrets, 'held', none, { namespace, type: 'application/merge-patch+json' })
    await expect(client().get(secrets, 'held', { namespace })).rejects.toMatchObject({ status: 404 })
  })

  it('refuses to delete another object of the same name', async () => {
    await client().create(secrets, secret('again'), { namespace })
    await expect(
      client().delete(secrets, 'again', { namespace, preconditions: { uid: 'other' } }),
    ).rejects.toMatchObject({ status: 409 })
  })

  describe('garbage collection', () => {
    async function deployed(name: string): Promise<Pod> {
      await client().create(resources.deployments, deployment(name, { replicas: 1 }) as KubernetesObject, {
        namespace,
      })
      const selection = { namespace, labelSelector: `app=${name}` }
      return until<Pod>(client(), resources.pods, selection, ({ status }) => status?.phase === 'Running')
    }

    it('takes dependents along', async () => {
      const { metadata } = await deployed('background')
      await client().delete(resources.deployments, 'background', { namespace })
      await untilGone(client(), resources.pods, { namespace, name: metadata?.name ?? '' })
    })

    it('waits for them in the foreground', async () => {
      await deployed('foreground')
      await client().delete(resources.deployments, 'foreground', {
        namespace,
        propagationPolicy: 'Foreground',
      })
      await untilGone(client(), resources.deployments, { namespace, name: 'foreground' })
      const left = await client().list(resources.pods, { namespace, labelSelector: 'app=foreground' })
      expect(left.items).toEqual([])
    })

    it('leaves orphans in peace', async () => {
      const pod = await deployed('orphan')
      await client().delete(resources.deployments, 'orphan', { namespace, propagationPolicy: 'Orphan' })
      await untilGone(client(), resources.deployments, { namespace, name: 'orphan' })
      const { items } = await client().list(resources.replicaSets, { namespace, labelSelector: 'app=orphan' })
      expect(items[0]?.metadata?.ownerReferences ?? []).toEqual([])
      expect(
        (await client().get<Pod>(resources.pods, pod.metadata?.name ?? '', { namespace })).status?.phase,
      ).toBe('Running')
    })
  })

  it('serves by Ingress rules as the ready pods would', async () => {
    const get = (path: string) => fetch(`${sandbox.status.ingress}${path}`)
    expect((await get('/web')).status).toBe(404)
    const service = {
      metadata: { name: 'front' },
      spec: { selector: { app: 'front' }, ports: [{ port: 80 }] },
    }
    const backend = { service: { name: 'front', port: { number: 80 } } }
    const rules = [{ http: { paths: [{ path: '/web', pathType: 'Prefix', backend }] } }]
    const ingress = { metadata: { name: 'front' }, spec: { ingressClassName: 'alb', rules } }
    await sandbox.kubectl(
      ['apply', '-n', namespace, '-f', '-'],
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'List',
        items: [
          { apiVersion: 'v1', kind: 'Service', ...service },
          { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', ...ingress },
        ],
      }),
    )
    expect((await get('/web/health')).status).toBe(503)
    await client().create(resources.deployments, deployment('front') as KubernetesObject, { namespace })
    await until<Deployment>(
      client(),
      resources.deployments,
      { namespace, name: 'front' },
      ({ status }) => status?.readyReplicas === 2,
    )
    const slices = {
      group: 'discovery.k8s.io',
      version: 'v1',
      kind: 'EndpointSlice',
      plural: 'endpointslices',
      namespaced: true,
    }
    await until(client(), slices, { namespace }, (slice) => JSON.stringify(slice).includes('"ready":true'))
    const answer = await get('/web/health')
    expect(answer.status).toBe(200)
    expect(answer.headers.get('x-service-version')).toBe('v1')
    expect(await answer.json()).toMatchObject({
      service: 'front',
      version: 'v1',
      pod: expect.stringMatching(/^front-/),
    })
    const proxied = await sandbox.kubectl([
      'get',
      '--raw',
      `/api/v1/namespaces/${namespace}/services/front:80/proxy/health`,
    ])
    expect(JSON.parse(proxied.stdout)).toMatchObject({ service: 'front' })
  })
})
