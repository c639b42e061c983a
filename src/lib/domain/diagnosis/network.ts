import { latest } from '../rollout/latest.ts'
import { DEPLOY } from './advice.ts'
import type { Finding } from './catalogue.ts'
import type { EnvironmentFacts, ServiceFacts, WorkloadFacts } from './facts.ts'

/** A load balancer takes up to three minutes. */
const ADDRESS_MS = 300_000
const EVENT_MS = 900_000

type Known = Partial<EnvironmentFacts>

/** Services against the pods that they select, and their endpoints. */
export function serviceFindings({ services = [], deployments, endpoints }: Known): Finding[] {
  return services.flatMap((service): Finding[] => {
    const { uid, name, selector } = service
    if (Object.keys(selector).length === 0 || deployments === undefined || endpoints === undefined) return []
    const object = { kind: 'Service', name, uid }
    const base = { object, service: service.service ?? name }
    const own = endpoints.filter(({ of }) => of === name)
    const ready = own.reduce((sum, each) => sum + each.ready, 0)
    const behind = own.reduce((sum, each) => sum + each.notReady, ready)
    const selected = deployments.filter(({ labels }) => matches(selector, labels))
    if (selected.length === 0 && behind === 0) {
      const message = `no pods have the labels ${textOf(selector, ', ')}`
      const advice = `bring its selector back: ${DEPLOY}; a label that was added stays: kubectl edit service NAME`
      return [
        { ...base, code: 'SELECTOR_MISMATCH', reason: 'NoPods', message, field: 'spec.selector', advice },
      ]
    }
    const found = portFindings(service, selected).map((each) => ({ ...base, ...each }))
    if (ready > 0 || found.some(({ code }) => code === 'PORT_MISMATCH')) return found
    const message = behind === 0 ? 'no pod stands behind it' : `none of its ${behind} endpoints is ready`
    const advice = `mend the pods that stand behind it: kubectl get pods --selector ${textOf(selector, ',')}`
    const field = 'EndpointSlice'
    return [...found, { ...base, code: 'NO_ENDPOINTS', reason: 'NotReady', message, field, advice }]
  })
}

/**
 * A target port that the pods behind a Service do not have. A name that no container declares leads nowhere. A number
 * leads to whatever listens there, for which nothing has to be declared, and nothing that is read here tells whether it
 * does: so it is a warning, and not even that where a container declares no port at all.
 */
function portFindings(
  { ports }: ServiceFacts,
  selected: WorkloadFacts[],
): Omit<Finding, 'object' | 'service'>[] {
  const containers = selected.flatMap(({ ports: own }) => own)
  const lacking = ports
    .map(({ target }) => target)
    .filter((target) => !containers.flat().some(({ name, number }) => name === target || number === target))
  const names = selected.map(({ name }) => name).join(', ')
  const field = 'spec.ports'
  const named = lacking.find((target) => typeof target === 'string')
  if (named !== undefined && selected.length > 0) {
    const message = `its target port '${named}' is no port of ${names}`
    const advice = `bring its port back: ${DEPLOY}; if the chart has it so, name the container's port in targetPort`
    return [{ code: 'PORT_MISMATCH', reason: 'NoPort', message, field, advice }]
  }
  const [number] = lacking
  if (number === undefined || containers.length === 0 || containers.some((own) => own.length === 0)) return []
  const message = `no container of ${names} declares its target port ${number}`
  const advice = `see whether it answers: emr smoke-test ENV; if not, bring its port back: ${DEPLOY}`
  return [{ code: 'PORT_UNDECLARED', reason: 'NotDeclared', message, field, advice }]
}

/** Deployments whose pods listen, and that no Service leads to: each chart of the platform has one. */
export function missingServiceFindings({ services, deployments = [] }: Known): Finding[] {
  if (services === undefined) return []
  return deployments.flatMap(({ name, uid, service = name, labels, ports }): Finding[] => {
    const leads = (each: ServiceFacts) =>
      (each.service ?? each.name) === service ||
      (Object.keys(each.selector).length > 0 && matches(each.selector, labels))
    const listening = ports.flat().map((port) => port.name ?? port.number)
    if (listening.length === 0 || services.some(leads)) return []
    const message = `no Service leads to its pods, which listen on ${listening.join(', ')}`
    const advice = `bring it back: ${DEPLOY}`
    const object = { kind: 'Deployment', name, uid }
    return [{ code: 'SERVICE_GONE', object, service, reason: 'NoService', message, field: 'Service', advice }]
  })
}

export function ingressFindings({ ingresses = [], services, events = [] }: Known, now: number): Finding[] {
  return ingresses.flatMap((ingress): Finding[] => {
    const { uid, name, service, createdAt, addresses, backends } = ingress
    const base = { object: { kind: 'Ingress', name, uid }, service: service ?? name }
    const missing = services && backends.find((backend) => !hasBackend(services, backend))
    if (missing) {
      const message = `there is no Service ${missing.service} with port ${missing.port ?? '(any)'}`
      const advice = `bring its Service back: ${DEPLOY}; or correct its backend: kubectl edit ingress NAME`
      return [{ ...base, code: 'INGRESS_BACKEND', reason: 'NoBackend', message, field: 'spec.rules', advice }]
    }
    // The load balancer controller repeats its failures for as long as they last.
    const failed = latest(
      events,
      (event) => event.about === uid && event.type === 'Warning' && now - event.at < EVENT_MS,
    )
    const settled = latest(
      events,
      ({ about, reason }) => about === uid && reason === 'SuccessfullyReconciled',
    )
    if (failed && failed.at > (settled?.at ?? 0)) {
      const { reason, message, at } = failed
      const advice = 'mend what the load balancer controller names: kubectl describe ingress NAME'
      return [{ ...base, code: 'INGRESS_FAILING', reason, message, field: 'event', at, advice }]
    }
    if (addresses.length > 0 || now - createdAt < ADDRESS_MS) return []
    const message = 'no load balancer has been made for it'
    const advice =
      'look at the AWS load balancer controller, its rights and the tags of the subnets: kubectl --namespace kube-system logs deployment/aws-load-balancer-controller'
    const field = 'status.loadBalancer'
    return [
      { ...base, code: 'INGRESS_NO_ADDRESS', reason: 'NoAddress', message, field, at: createdAt, advice },
    ]
  })
}

function hasBackend(
  services: ServiceFacts[],
  { service, port }: { service: string; port?: number | string },
): boolean {
  const found = services.find(({ name }) => name === service)
  if (found === undefined) return false
  return port === undefined || found.ports.some((each) => each.port === port || each.name === port)
}

/** Pods that a policy isolates and that no policy lets anything through to. */
export function policyFindings({ policies = [], deployments = [] }: Known): Finding[] {
  return deployments.flatMap((deployment) => {
    const own = policies.filter(({ selector, ingress }) => ingress && matches(selector, deployment.labels))
    const [first] = own
    if (first === undefined || own.some(({ ingressRules }) => ingressRules > 0)) return []
    const message = `${own.map(({ name }) => name).join(', ')} deny all traffic to ${deployment.name}`
    return [
      {
        code: 'TRAFFIC_DENIED' as const,
        object: { kind: 'NetworkPolicy', name: first.name, uid: first.uid },
        service: deployment.service ?? deployment.name,
        reason: 'DenyAll',
        message,
        field: 'spec.ingress',
        advice: `let its callers in: ${DEPLOY}; a policy that is not of its chart stays: kubectl edit networkpolicy NAME`,
      },
    ]
  })
}

function matches(selector: Record<string, string>, labels: Record<string, string>): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value)
}

function textOf(labels: Record<string, string>, separator: string): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(separator)
}
