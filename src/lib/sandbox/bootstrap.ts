import type { Node } from 'kubernetes-types/core/v1.js'
import { isApiError } from '../adapters/kubernetes/api-error.ts'
import type { KubernetesClient } from '../adapters/kubernetes/client.ts'
import type { KubernetesObject, ResourceType } from '../adapters/kubernetes/types.ts'
import { types } from './controllers/types.ts'
import { externalSecretsDefinitions } from './external-secrets-crds.ts'
import { timestamp } from './json.ts'
import type { SandboxSettings } from './settings.ts'

const REGION = 'us-east-1'

/** Makes what a new EKS cluster of the platform has before anything is deployed. What is there already stays. */
export async function bootstrap(client: KubernetesClient, settings: SandboxSettings): Promise<void> {
  const make = (type: ResourceType, object: KubernetesObject) => ensure(client, type, object)
  await Promise.all([
    ...['default', 'kube-system', 'kube-public', 'kube-node-lease'].map((name) =>
      make(types.namespaces, { metadata: { name } }),
    ),
    ...externalSecretsDefinitions.map((definition) => make(types.customResourceDefinitions, definition)),
    ...Array.from({ length: settings.nodes }, (_, index) => makeNode(client, nodeOf(index, settings))),
  ])
  await Promise.all([
    make(types.clusterSecretStores, secretStore()),
    make(types.ingressClasses, albClass()),
    make(types.services, apiService()),
    make(types.deployments, addOn('coredns', 2, 'eks/coredns:v1.11.4-eksbuild.2')),
    make(types.deployments, addOn('metrics-server', 1, 'eks/metrics-server:v0.7.2-eksbuild.1')),
  ])
}

async function ensure(client: KubernetesClient, type: ResourceType, object: KubernetesObject): Promise<void> {
  try {
    const namespace = object.metadata?.namespace
    await client.create(type, object, { ...(namespace ? { namespace } : {}), fieldManager: 'eks' })
  } catch (error) {
    if (!isApiError(error, 409)) throw error
  }
}

/** A node's status is a subresource, written by its kubelet. */
async function makeNode(client: KubernetesClient, node: Node): Promise<void> {
  await ensure(client, types.nodes, node)
  const made = await client.get<Node>(types.nodes, node.metadata?.name ?? '')
  const next = { ...made, status: node.status }
  if (!made.status?.capacity)
    await client.replace(types.nodes, next, { subresource: 'status', fieldManager: 'kubelet' })
}

/** m6i.4xlarge, the largest type of the platform's node groups: 16 vCPU, 64 GiB, 234 pods. */
function nodeOf(index: number, { kubernetesVersion }: SandboxSettings): Node {
  const zone = `${REGION}${'abc'[index % 3]}`
  const address = `10.0.${32 + (index % 3) * 32}.${10 + Math.floor(index / 3)}`
  const name = `ip-${address.replaceAll('.', '-')}.ec2.internal`
  return {
    metadata: {
      name,
      labels: {
        'beta.kubernetes.io/arch': 'amd64',
        'beta.kubernetes.io/os': 'linux',
        'eks.amazonaws.com/nodegroup': 'emr-platform',
        'kubernetes.io/arch': 'amd64',
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'node.kubernetes.io/instance-type': 'm6i.4xlarge',
        'topology.kubernetes.io/region': REGION,
        'topology.kubernetes.io/zone': zone,
      },
    },
    spec: { providerID: `aws:///${zone}/i-${String(index).padStart(17, '0')}` },
    status: {
      addresses: [
        { type: 'InternalIP', address },
        { type: 'Hostname', address: name },
      ],
      capacity: { cpu: '16', memory: '64Gi', pods: '234', 'ephemeral-storage': '80Gi' },
      allocatable: { cpu: '15890m', memory: '62Gi', pods: '234', 'ephemeral-storage': '72Gi' },
      conditions: nodeConditions(),
      nodeInfo: {
        architecture: 'amd64',
        bootID: name,
        containerRuntimeVersion: 'containerd://1.7.27',
        kernelVersion: '6.1.134-152.225.amzn2023.x86_64',
        kubeProxyVersion: `v${kubernetesVersion}-eks-sandbox`,
        kubeletVersion: `v${kubernetesVersion}-eks-sandbox`,
        machineID: name,
        operatingSystem: 'linux',
        osImage: 'Amazon Linux 2023 (emr sandbox)',
        systemUUID: name,
      },
    },
  }
}

function nodeConditions() {
  const now = timestamp()
  const condition = (type: string, status: string, reason: string, message: string) => ({
    type,
    status,
    reason,
    message,
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  })
  return [
    condition(
      'MemoryPressure',
      'False',
      'KubeletHasSufficientMemory',
      'kubelet has sufficient memory available',
    ),
    condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
    condition('PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
    condition('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'),
  ]
}

function secretStore(): KubernetesObject {
  const spec = { provider: { aws: { service: 'SecretsManager', region: REGION } } }
  return { metadata: { name: 'aws-secrets-manager' }, spec } as KubernetesObject
}

function albClass(): KubernetesObject {
  return { metadata: { name: 'alb' }, spec: { controller: 'ingress.k8s.aws/alb' } } as KubernetesObject
}

function apiService(): KubernetesObject {
  return {
    metadata: {
      name: 'kubernetes',
      namespace: 'default',
      labels: { component: 'apiserver', provider: 'kubernetes' },
    },
    spec: { clusterIP: '10.100.0.1', ports: [{ name: 'https', port: 443, targetPort: 443 }] },
  } as KubernetesObject
}

/** The EKS add-ons that others depend on: without CoreDNS no names, without metrics-server no `kubectl top`. */
function addOn(name: string, replicas: number, image: string): KubernetesObject {
  const labels = { 'k8s-app': name, 'app.kubernetes.io/name': name }
  const container = {
    name,
    image: `602401143452.dkr.ecr.${REGION}.amazonaws.com/${image}`,
    resources: { requests: { cpu: '100m', memory: '70Mi' }, limits: { memory: '170Mi' } },
  }
  return {
    metadata: { name, namespace: 'kube-system', labels },
    spec: {
      replicas,
      selector: { matchLabels: { 'k8s-app': name } },
      template: {
        metadata: { labels },
        spec: { priorityClassName: 'system-cluster-critical', containers: [container] },
      },
    },
  } as KubernetesObject
}
