import type { Deployment } from 'kubernetes-types/apps/v1.js'
import type { Event, Pod } from 'kubernetes-types/core/v1.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { resources } from '../../../src/lib/adapters/kubernetes/resources.ts'
import type { KubernetesObject } from '../../../src/lib/adapters/kubernetes/types.ts'
import { deployment, startTestSandbox, type TestSandbox, until } from './support.ts'

const IMAGE = '111111111111.dkr.ecr.us-east-1.amazonaws.com/emr/web'

/** Each fault gives the fields and events by which a real cluster shows it. */
describe('faults', () => {
  let sandbox: TestSandbox
  const namespace = 'faults'

  beforeAll(async () => {
    sandbox = await startTestSandbox()
    await sandbox.client.create(resources.namespaces, { metadata: { name: namespace } })
  })
  afterAll(() => sandbox.stop())

  async function deploy(name: string, change: (object: ReturnType<typeof deployment>) => void = () => {}) {
    const object = deployment(name, { image: `${IMAGE}:v2-${name}`, replicas: 1 })
    change(object)
    await sandbox.client.create(resources.deployments, object as KubernetesObject, { namespace })
  }
  const pod = (app: string, condition: (pod: Pod) => boolean) =>
    until<Pod>(sandbox.client, resources.pods, { namespace, labelSelector: `app=${app}` }, condition)
  const event = (reason: string, about: string, text: string) =>
    until<Event>(
      sandbox.client,
      resources.events,
      { namespace },
      (seen) =>
        seen.reason === reason &&
        (seen.involvedObject.name ?? '').startsWith(about) &&
        (seen.message ?? '').includes(text),
    )
  const waiting = (object: Pod) => object.status?.containerStatuses?.[0]?.state?.waiting

  it('notfound: the image does not exist', async () => {
    await deploy('notfound')
    const failed = await pod('notfound', (object) => waiting(object)?.reason === 'ErrImagePull')
    expect(waiting(failed)?.message).toBe(
      `rpc error: code = NotFound desc = failed to pull and unpack image "${IMAGE}:v2-notfound": failed to resolve reference "${IMAGE}:v2-notfound": ${IMAGE}:v2-notfound: not found`,
    )
    const backedOff = await pod('notfound', (object) => waiting(object)?.reason === 'ImagePullBackOff')
    expect(waiting(backedOff)?.message).toBe(`Back-off pulling image "${IMAGE}:v2-notfound"`)
    expect(backedOff.status?.phase).toBe('Pending')
    const seen = await event('Failed', 'notfound', 'Failed to pull image')
    expect(seen).toMatchObject({ type: 'Warning', source: { component: 'kubelet' } })
    expect(seen.involvedObject.fieldPath).toBe('spec.containers{app}')
    const again = await until<Event>(
      sandbox.client,
      resources.events,
      { namespace },
      ({ reason, count = 0 }) => reason === 'Pulling' && count > 1,
    )
    expect(Date.parse(again.lastTimestamp ?? '')).toBeGreaterThanOrEqual(
      Date.parse(again.firstTimestamp ?? ''),
    )
  })

  it('throttled: the registry has had enough', async () => {
    await deploy('throttled')
    const failed = await pod('throttled', (object) => waiting(object)?.reason === 'ErrImagePull')
    expect(waiting(failed)?.message).toContain('429 Too Many Requests')
    expect(waiting(failed)?.message).toContain('toomanyrequests: Rate exceeded')
  })

  it('badconfig: a Secret is missing', async () => {
    await deploy('badconfig')
    const failed = await pod(
      'badconfig',
      (object) => waiting(object)?.reason === 'CreateContainerConfigError',
    )
    expect(waiting(failed)?.message).toBe('secret "app-credentials" not found')
    await event('Failed', 'badconfig', 'Error: secret "app-credentials" not found')
  })

  it('a Secret that is really missing, until it comes', async () => {
    await deploy('late', ({ spec }) => {
      const [container] = spec.template.spec.containers
      if (container)
        Object.assign(container, { image: `${IMAGE}:v2`, envFrom: [{ secretRef: { name: 'late' } }] })
    })
    await pod('late', (object) => waiting(object)?.message === 'secret "late" not found')
    await sandbox.client.create(resources.secrets, { metadata: { name: 'late' } }, { namespace })
    await pod('late', ({ status }) => status?.containerStatuses?.[0]?.ready === true)
  })

  it('crashloop: exit code 1, back-off and the log of the last run', async () => {
    await deploy('crashloop')
    const looping = await pod('crashloop', (object) => waiting(object)?.reason === 'CrashLoopBackOff')
    const { uid, name } = looping.metadata ?? {}
    const [status] = looping.status?.containerStatuses ?? []
    expect(status?.state?.waiting?.message).toMatch(
      new RegExp(`^back-off \\d+s restarting failed container=app pod=${name}_faults\\(${uid}\\)$`),
    )
    expect(status?.lastState?.terminated).toMatchObject({ exitCode: 1, reason: 'Error' })
    expect(status?.restartCount).toBeGreaterThanOrEqual(1)
    expect(looping.status?.phase).toBe('Running')
    await event(
      'BackOff',
      'crashloop',
      `Back-off restarting failed container app in pod ${name}_faults(${uid})`,
    )
    const { stdout } = await sandbox.kubectl([
      'logs',
      name ?? '',
      '-n',
      namespace,
      '--previous',
      '--tail',
      '1',
    ])
    expect(JSON.parse(stdout)).toMatchObject({ level: 'fatal', version: 'v2-crashloop' })
  })

  it('oom: killed by the kernel', async () => {
    await deploy('oom')
    const killed = await pod(
      'oom',
      ({ status }) => status?.containerStatuses?.[0]?.lastState?.terminated !== undefined,
    )
    expect(killed.status?.containerStatuses?.[0]?.lastState?.terminated).toMatchObject({
      exitCode: 137,
      reason: 'OOMKilled',
    })
  })

  it('unready: runs, and the Deployment runs out of time', async () => {
    await deploy('unready', ({ spec }) => Object.assign(spec, { progressDeadlineSeconds: 30 }))
    const running = await pod('unready', ({ status }) => status?.containerStatuses?.[0]?.started === true)
    expect(running.status?.conditions).toContainEqual(
      expect.objectContaining({
        type: 'Ready',
        status: 'False',
        reason: 'ContainersNotReady',
        message: 'containers with unready status: [app]',
      }),
    )
    await event('Unhealthy', 'unready', 'Readiness probe failed: HTTP probe failed with statuscode: 503')
    const late = await until<Deployment>(
      sandbox.client,
      resources.deployments,
      { namespace, name: 'unready' },
      ({ status }) =>
        status?.conditions?.some(({ reason }) => reason === 'ProgressDeadlineExceeded') ?? false,
    )
    const condition = late.status?.conditions?.find(({ type }) => type === 'Progressing')
    expect(condition?.status).toBe('False')
    expect(condition?.message).toMatch(/^ReplicaSet "unready-[a-z0-9]+" has timed out progressing\.$/)
  })

  it('slow: late, but healthy', async () => {
    await deploy('slow')
    await event('Unhealthy', 'slow', 'connect: connection refused')
    await pod('slow', ({ status }) => status?.containerStatuses?.[0]?.ready === true)
  })

  it('unschedulable: no node is large enough', async () => {
    await deploy('unschedulable')
    const message =
      '0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.'
    const pending = await pod('unschedulable', ({ status }) => status?.conditions !== undefined)
    expect(pending.status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }),
    )
    const seen = await event('FailedScheduling', 'unschedulable', message)
    expect(seen).toMatchObject({ reportingComponent: 'default-scheduler', type: 'Warning' })
    expect(seen.eventTime).toBeTruthy()
    expect(seen.lastTimestamp).toBeFalsy()
  })

  it('by annotation instead of the tag', async () => {
    await deploy('annotated', ({ spec }) => {
      const [container] = spec.template.spec.containers
      if (container) container.image = `${IMAGE}:v2`
      Object.assign(spec.template.metadata, { annotations: { 'sandbox.emr/fault': 'notfound' } })
    })
    await pod('annotated', (object) => waiting(object)?.reason === 'ImagePullBackOff')
  })

  it('a failing init container', async () => {
    await deploy('init', ({ spec }) => {
      const [container] = spec.template.spec.containers
      if (container) container.image = `${IMAGE}:v2`
      Object.assign(spec.template.spec, {
        initContainers: [{ name: 'migrate', image: `${IMAGE}:v2-crashloop` }],
      })
    })
    const looping = await pod(
      'init',
      ({ status }) => status?.initContainerStatuses?.[0]?.state?.waiting?.reason === 'CrashLoopBackOff',
    )
    expect(looping.status?.phase).toBe('Pending')
    expect(waiting(looping)?.reason).toBe('PodInitializing')
    // It is tried again and again meanwhile.
    const shown = async () => {
      return (await sandbox.kubectl(['get', 'pods', '-n', namespace, '-l', 'app=init'])).stdout
    }
    await expect.poll(shown, { timeout: 30_000 }).toMatch(/0\/1 +Init:CrashLoopBackOff/)
  })

  it('a quota that is used up', async () => {
    const quota = { metadata: { name: 'pods' }, spec: { hard: { pods: '1' } } } as KubernetesObject
    await sandbox.client.create(resources.namespaces, { metadata: { name: 'full' } })
    const quotas = {
      group: '',
      version: 'v1',
      kind: 'ResourceQuota',
      plural: 'resourcequotas',
      namespaced: true,
    }
    await sandbox.client.create(quotas, quota, { namespace: 'full' })
    await sandbox.client.create(resources.deployments, deployment('web') as KubernetesObject, {
      namespace: 'full',
    })
    const failed = await until<Deployment>(
      sandbox.client,
      resources.deployments,
      { namespace: 'full', name: 'web' },
      ({ status }) => status?.conditions?.some(({ type }) => type === 'ReplicaFailure') ?? false,
    )
    const condition = failed.status?.conditions?.find(({ type }) => type === 'ReplicaFailure')
    expect(condition).toMatchObject({ status: 'True', reason: 'FailedCreate' })
    expect(condition?.message).toMatch(
      /^pods "web-[a-z0-9]+-[a-z0-9]{5}" is forbidden: exceeded quota: pods, requested: pods=1, used: pods=1, limited: pods=1$/,
    )
    await until(sandbox.client, quotas, { namespace: 'full' }, (object) => {
      const { status } = object as { status?: { used?: Record<string, string> } }
      return status?.used?.pods === '1'
    })
  })

  it('pods that the restricted Pod Security standard forbids', async () => {
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' }
    await sandbox.client.create(resources.namespaces, { metadata: { name: 'strict', labels } })
    await sandbox.client.create(resources.deployments, deployment('web') as KubernetesObject, {
      namespace: 'strict',
    })
    const seen = await until<Event>(
      sandbox.client,
      resources.events,
      { namespace: 'strict' },
      ({ reason }) => reason === 'FailedCreate',
    )
    expect(seen.message).toMatch(
      /^Error creating: pods "web-[a-z0-9]+-[a-z0-9]{5}" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false \(container "app" must set securityContext\.allowPrivilegeEscalation=false\), unrestricted capabilities \(container "app" must set securityContext\.capabilities\.drop=\["ALL"\]\), runAsNonRoot != true \(pod or container "app" must set securityContext\.runAsNonRoot=true\), seccompProfile \(pod or container "app" must set securityContext\.seccompProfile\.type to "RuntimeDefault" or "Localhost"\)$/,
    )
  })
})
