import type { Service } from 'kubernetes-types/core/v1.js'
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js'
import type { Ingress, IngressBackend, NetworkPolicy } from 'kubernetes-types/networking/v1.js'
import type { EndpointFacts, IngressFacts, PolicyFacts, ServiceFacts } from '../../domain/diagnosis/facts.ts'
import { identity, serviceOf, time } from './facts.ts'

export function serviceFacts({ metadata, spec }: Service): ServiceFacts {
  return {
    ...identity(metadata),
    service: serviceOf(metadata),
    selector: spec?.selector ?? {},
    ports: (spec?.ports ?? []).map(({ name, port, targetPort }) => ({
      name,
      port,
      target: targetPort ?? port,
    })),
  }
}

export function endpointFacts({ metadata, endpoints }: EndpointSlice): EndpointFacts {
  // A condition that is not told counts as true, by the API's definition.
  const ready = (endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false).length
  return {
    ...identity(metadata),
    of: metadata?.labels?.['kubernetes.io/service-name'] ?? '',
    ready,
    notReady: (endpoints ?? []).length - ready,
  }
}

export function ingressFacts({ metadata, spec, status }: Ingress): IngressFacts {
  const backend = ({ service }: IngressBackend) =>
    service ? [{ service: service.name, port: service.port?.name ?? service.port?.number }] : []
  const paths = (spec?.rules ?? []).flatMap(({ http }) => http?.paths ?? [])
  return {
    ...identity(metadata),
    service: serviceOf(metadata),
    createdAt: time(metadata?.creationTimestamp),
    addresses: (status?.loadBalancer?.ingress ?? []).flatMap(({ hostname, ip }) => hostname ?? ip ?? []),
    backends: [
      ...(spec?.defaultBackend ? backend(spec.defaultBackend) : []),
      ...paths.flatMap((path) => backend(path.backend)),
    ],
  }
}

export function policyFacts({ metadata, spec }: NetworkPolicy): PolicyFacts {
  const types = spec?.policyTypes ?? ['Ingress']
  return {
    ...identity(metadata),
    selector: spec?.podSelector?.matchLabels ?? {},
    // Expressions are not evaluated: a policy that has them is taken to let something in.
    ingress: types.includes('Ingress') && !spec?.podSelector?.matchExpressions?.length,
    ingressRules: spec?.ingress?.length ?? 0,
  }
}
