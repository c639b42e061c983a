import { isServing, nodeState } from './availability.ts'
import type { Finding } from './catalogue.ts'
import type { EnvironmentFacts, NodeFacts, Usage } from './facts.ts'

/** Node agents add types of their own; only these mean what Kubernetes says they mean. */
const PRESSURES = ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'NetworkUnavailable']
const USED_SHARE = 0.9

type Known = Partial<EnvironmentFacts>

export function nodeFindings({ nodes = [], nodeUsage }: Known, now: number): Finding[] {
  return nodes.flatMap((node): Finding[] => {
    const { name, uid, conditions } = node
    const base = { object: { kind: 'Node', name, uid }, node: name }
    const ready = conditions.find(({ type }) => type === 'Ready')
    if (nodeState(node, now) === 'down') {
      const { reason = 'NotReady', message = 'its kubelet has not reported', since: at } = ready ?? {}
      const advice =
        'look at it: kubectl describe node NAME; the node group replaces it when its instance is terminated'
      return [
        { ...base, code: 'NODE_NOT_READY', reason, message, field: 'status.conditions[Ready]', at, advice },
      ]
    }
    const pressure = conditions.find(({ type, status }) => status === 'True' && PRESSURES.includes(type))
    if (pressure) {
      const { type: reason, message, since: at } = pressure
      const advice =
        'pods are evicted from it: find what uses so much (kubectl describe node NAME), or add a node'
      return [
        {
          ...base,
          code: 'NODE_PRESSURE',
          reason,
          message,
          field: `status.conditions[${reason}]`,
          at,
          advice,
        },
      ]
    }
    return busy(node, nodeUsage).map((finding) => ({ ...base, ...finding }))
  })
}

function busy({ name, cpu, memory }: NodeFacts, usage: Known['nodeUsage']): Omit<Finding, 'object'>[] {
  const used = usage?.get(name)
  if (used === undefined) return []
  const shares = [
    { what: 'CPU', share: cpu > 0 ? used.cpu / cpu : 0 },
    { what: 'memory', share: memory > 0 ? used.memory / memory : 0 },
  ]
  return shares
    .filter(({ share }) => share > USED_SHARE)
    .map(({ what, share }) => ({
      code: 'NODE_BUSY' as const,
      reason: 'HighUsage',
      message: `${Math.round(share * 100)} % of its ${what} is used`,
      field: 'metrics.k8s.io',
      advice: 'see what runs on it: kubectl describe node NAME; let the node group grow, or move pods',
    }))
}

/** The add-ons that others depend on. @param facts with the keys that could be read */
export function addOnFindings(facts: Known): Finding[] {
  const found: Finding[] = []
  const system = (name: string) => ({ kind: 'Deployment', name: `kube-system/${name}`, uid: name })
  if ('dns' in facts && !facts.dns?.available) {
    const message = facts.dns ? 'none of its pods is available' : 'it is not deployed'
    const advice = 'without it no name resolves: kubectl --namespace kube-system get pods'
    const field = 'status.availableReplicas'
    found.push({
      code: 'DNS_MISSING',
      object: system('coredns'),
      reason: 'Unavailable',
      message,
      field,
      advice,
    })
  }
  if ('podUsage' in facts && facts.podUsage === undefined) {
    const message = 'metrics.k8s.io is not served'
    const advice =
      'autoscalers and emr monitor need it: kubectl --namespace kube-system describe deployment metrics-server'
    const field = 'apis/metrics.k8s.io'
    const object = system('metrics-server')
    found.push({ code: 'METRICS_MISSING', object, reason: 'Unavailable', message, field, advice })
  }
  return found
}

/** Containers of running pods that will soon be killed for their memory, or are slowed down for their CPU. */
export function usageFindings({ pods = [], deployments = [], podUsage }: Known): Finding[] {
  return pods.flatMap((pod) => {
    const own = deployments.find(({ name, service }) => (service ?? name) === pod.service)
    if (own === undefined) return []
    return [...(podUsage?.get(pod.name) ?? [])].flatMap(([container, usage]) => {
      const base = {
        object: { kind: 'Pod', name: pod.name, uid: pod.uid },
        service: pod.service,
        container,
        reason: 'HighUsage',
        field: 'metrics.k8s.io',
      }
      return nearLimits(usage, own.limits[container] ?? {}, own.desired).map((finding) => ({
        ...base,
        ...finding,
      }))
    })
  })
}

function nearLimits(
  usage: Usage,
  { cpu, memory }: Partial<Usage>,
  pods: number,
): Pick<Finding, 'code' | 'message' | 'advice'>[] {
  const found: Pick<Finding, 'code' | 'message' | 'advice'>[] = []
  if (memory && usage.memory / memory >= USED_SHARE) {
    const message = `${Math.round((usage.memory / memory) * 100)} % of ${Math.round(memory / 1024 ** 2)} MiB`
    const advice = 'raise the memory limit, or find what it keeps: kubectl top pod NAME --containers'
    found.push({ code: 'MEMORY_NEARLY_USED', message, advice })
  }
  if (cpu && usage.cpu / cpu >= USED_SHARE) {
    const message = `${Math.round((usage.cpu / cpu) * 100)} % of ${cpu} CPU, and it is slowed down at its limit`
    const advice = `add pods: emr scale ENV SERVICE ${pods + 1}; or raise the CPU limit, or find what it computes`
    found.push({ code: 'CPU_NEARLY_USED', message, advice })
  }
  return found
}

export function databaseFindings({ databases = [], alarms = [] }: Known): Finding[] {
  const down = databases
    .filter(({ status }) => !isServing(status))
    .map(({ id, status }) => ({
      code: 'DATABASE_DOWN' as const,
      object: { kind: 'DBInstance', name: id, uid: id },
      reason: status,
      message: `RDS says that ${id} is ${status}`,
      field: 'DBInstanceStatus',
      advice: 'aws rds describe-events --source-type db-instance --source-identifier NAME',
    }))
  const raised = alarms.map(({ name, state, reason }) => ({
    code: 'ALARM' as const,
    object: { kind: 'Alarm', name, uid: name },
    reason: state,
    message: reason,
    field: 'StateValue',
    advice: 'aws cloudwatch describe-alarm-history --alarm-name NAME',
  }))
  return [...down, ...raised]
}
