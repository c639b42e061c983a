import type { Container, Pod, PodSpec, PodTemplateSpec, Probe, Volume } from 'kubernetes-types/core/v1.js'
import type { Writable } from '../../json.ts'

/** What a real server fills into a pod template; from SetDefaults_* in pkg/apis/core/v1/defaults.go. */
function defaultPodSpec(spec: PodSpec): void {
  spec.restartPolicy ??= 'Always'
  spec.dnsPolicy ??= 'ClusterFirst'
  spec.terminationGracePeriodSeconds ??= 30
  spec.securityContext ??= {}
  spec.schedulerName ??= 'default-scheduler'
  const account = spec.serviceAccountName ?? spec.serviceAccount
  if (account !== undefined) {
    spec.serviceAccountName = account
    spec.serviceAccount = account
  }
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) {
    defaultContainer(container)
  }
  for (const volume of spec.volumes ?? []) defaultVolume(volume)
}

/** metadata is a struct in Go, so it is there even when nobody sets it. */
export function defaultTemplate(template: PodTemplateSpec): void {
  template.metadata ??= {}
  if (template.spec) defaultPodSpec(template.spec)
}

/** A pod itself, as opposed to a template of one. */
export function defaultPod(pod: Writable<Pod>): void {
  const { spec } = pod
  if (!spec) return
  defaultPodSpec(spec)
  spec.enableServiceLinks ??= true
  for (const { resources } of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) {
    if (resources?.limits) resources.requests = { ...resources.limits, ...resources.requests }
  }
  pod.status ??= { phase: 'Pending', qosClass: qosClassOf(spec) }
}

function defaultContainer(container: Container): void {
  container.terminationMessagePath ??= '/dev/termination-log'
  container.terminationMessagePolicy ??= 'File'
  container.imagePullPolicy ??= isLatest(container.image ?? '') ? 'Always' : 'IfNotPresent'
  container.resources ??= {}
  for (const port of container.ports ?? []) port.protocol ??= 'TCP'
  for (const { valueFrom } of container.env ?? []) {
    if (valueFrom?.fieldRef) valueFrom.fieldRef.apiVersion ??= 'v1'
  }
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) {
    if (probe) defaultProbe(probe)
  }
  for (const handler of [container.lifecycle?.preStop, container.lifecycle?.postStart]) {
    if (handler?.httpGet) defaultHttpGet(handler.httpGet)
  }
}

function isLatest(image: string): boolean {
  const name = image.slice(image.lastIndexOf('/') + 1)
  return !name.includes('@') && (!name.includes(':') || name.endsWith(':latest'))
}

function defaultProbe(probe: Probe): void {
  probe.timeoutSeconds ??= 1
  probe.periodSeconds ??= 10
  probe.successThreshold ??= 1
  probe.failureThreshold ??= 3
  if (probe.httpGet) defaultHttpGet(probe.httpGet)
  if (probe.grpc) probe.grpc.service ??= ''
}

function defaultHttpGet(httpGet: NonNullable<Probe['httpGet']>): void {
  httpGet.path ??= '/'
  httpGet.scheme ??= 'HTTP'
}

/** 0644, as JSON has no octal numbers. */
const DEFAULT_MODE = 420

function defaultVolume(volume: Volume): void {
  if (volume.secret) volume.secret.defaultMode ??= DEFAULT_MODE
  if (volume.configMap) volume.configMap.defaultMode ??= DEFAULT_MODE
  if (volume.downwardAPI) volume.downwardAPI.defaultMode ??= DEFAULT_MODE
  if (volume.hostPath) volume.hostPath.type ??= ''
  if (!volume.projected) return
  volume.projected.defaultMode ??= DEFAULT_MODE
  for (const { serviceAccountToken } of volume.projected.sources ?? []) {
    if (serviceAccountToken) serviceAccountToken.expirationSeconds ??= 3600
  }
}

/** Guaranteed, Burstable or BestEffort; from pkg/apis/core/v1/helper/qos. */
function qosClassOf({ containers, initContainers = [] }: PodSpec): string {
  const all = [...containers, ...initContainers].map(({ resources }) => resources ?? {})
  if (all.every(({ requests, limits }) => !requests && !limits)) return 'BestEffort'
  const guaranteed = all.every(({ requests = {}, limits = {} }) =>
    ['cpu', 'memory'].every((name) => limits[name] !== undefined && limits[name] === requests[name]),
  )
  return guaranteed ? 'Guaranteed' : 'Burstable'
}
