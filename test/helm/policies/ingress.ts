import { ofKind } from '../objects.ts'
import type { Release } from '../render.ts'
import type { Kinds } from '../schema/kinds.ts'

const prefix = 'alb.ingress.kubernetes.io/'

/** The gateway is the one public entrance. */
export function onlyEntrance({ objects, service }: Release): string[] {
  const entrances = ofKind(objects, 'Ingress').length
  const wanted = service === 'api-gateway' ? 1 : 0
  return entrances === wanted ? [] : [`${service}: ${entrances} Ingresses, wanted ${wanted}`]
}

/** TLS 1.2 or newer without the policies that keep old ciphers (Ext), and a redirect for plain HTTP. */
export function tls({ objects }: Release): string[] {
  return ofKind(objects, 'Ingress').flatMap((ingress) => {
    const policy = annotation(ingress, 'ssl-policy')
    const faults = []
    if (!/^ELBSecurityPolicy-TLS13-1-[23]-/.test(policy) || policy.includes('-Ext')) {
      faults.push(`TLS policy is ${policy || 'the old default'}`)
    }
    if (annotation(ingress, 'ssl-redirect') !== '443') faults.push('plain HTTP is not redirected')
    if (!annotation(ingress, 'listen-ports').includes('"HTTPS": 443')) faults.push('does not listen on 443')
    if (
      !annotation(ingress, 'load-balancer-attributes').includes('drop_invalid_header_fields.enabled=true')
    ) {
      faults.push('passes invalid headers on')
    }
    return faults.map((fault) => `Ingress/${ingress.metadata?.name}: ${fault}`)
  })
}

/** The host of the environment, for TLS as for the rules; paths of the API and of health, not of metrics. */
export function host({ objects, environment }: Release): string[] {
  const wanted =
    environment === 'production'
      ? 'api.emr-platform.example.com'
      : `api.${environment}.emr-platform.example.com`
  return ofKind(objects, 'Ingress').flatMap(({ metadata, spec }) => {
    const hosts = [
      ...(spec?.rules ?? []).map((rule) => rule.host),
      ...(spec?.tls ?? []).flatMap((each) => each.hosts),
    ]
    const paths = (spec?.rules ?? []).flatMap((rule) =>
      (rule.http?.paths ?? []).map(({ path }) => path ?? '/'),
    )
    const faults = hosts.filter((each) => each !== wanted).map((each) => `host ${each}, wanted ${wanted}`)
    if (hosts.length !== 2) faults.push('needs its host once in rules and once in tls')
    if (paths.some((path) => '/metrics'.startsWith(path))) faults.push('publishes /metrics')
    return faults.map((fault) => `Ingress/${metadata?.name}: ${fault}`)
  })
}

/** The load balancer finds pods by their addresses, and asks them whether they are ready. */
export function backend({ objects }: Release): string[] {
  const ports = ofKind(objects, 'Service').flatMap(({ metadata, spec }) =>
    (spec?.ports ?? []).map(({ name }) => `${metadata?.name}:${name}`),
  )
  return ofKind(objects, 'Ingress').flatMap((ingress) => {
    const backends = (ingress.spec?.rules ?? []).flatMap(({ http }) =>
      (http?.paths ?? []).map((path) => `${path.backend.service?.name}:${path.backend.service?.port?.name}`),
    )
    const faults = backends
      .filter((each) => !ports.includes(each))
      .map((each) => `there is no Service ${each}`)
    if (annotation(ingress, 'target-type') !== 'ip') faults.push('target-type is not ip')
    if (annotation(ingress, 'healthcheck-path') !== '/health/ready')
      faults.push('health check is not /health/ready')
    return faults.map((fault) => `Ingress/${ingress.metadata?.name}: ${fault}`)
  })
}

/** By `ingressClassName` alone: the controller refuses the old annotation beside it. */
export function ingressClass({ objects }: Release): string[] {
  return ofKind(objects, 'Ingress')
    .filter(
      ({ metadata, spec }) =>
        spec?.ingressClassName !== 'alb' ||
        metadata?.annotations?.['kubernetes.io/ingress.class'] !== undefined,
    )
    .map(({ metadata }) => `Ingress/${metadata?.name}: wanted ingressClassName alb and no class annotation`)
}

/** In production the load balancer cannot be deleted by a slip of the hand. */
export function deletionProtection({ objects, environment }: Release): string[] {
  return ofKind(objects, 'Ingress')
    .filter(
      (ingress) =>
        annotation(ingress, 'load-balancer-attributes').includes('deletion_protection.enabled=true') !==
        (environment === 'production'),
    )
    .map(
      ({ metadata }) =>
        `Ingress/${metadata?.name}: deletion protection belongs to production, and only there`,
    )
}

/** Who may connect, and the record of who did: the security group and the bucket that Terraform makes. */
export function guarded({ objects, environment }: Release): string[] {
  const bucket = new RegExp(`access_logs\\.s3\\.bucket=emr-platform-${environment}-access-logs-[0-9]{12},`)
  return ofKind(objects, 'Ingress').flatMap((ingress) => {
    const attributes = annotation(ingress, 'load-balancer-attributes')
    const faults = []
    if (annotation(ingress, 'security-groups') !== `emr-platform-${environment}-alb`)
      faults.push('other security group')
    if (!attributes.includes('access_logs.s3.enabled=true')) faults.push('keeps no access logs')
    if (!bucket.test(attributes)) faults.push('access logs go to another bucket')
    return faults.map((fault) => `Ingress/${ingress.metadata?.name}: ${fault}`)
  })
}

function annotation(ingress: Kinds['Ingress'], name: string): string {
  return ingress.metadata?.annotations?.[prefix + name] ?? ''
}
