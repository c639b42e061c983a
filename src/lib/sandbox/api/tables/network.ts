import type { Endpoints, Service } from 'kubernetes-types/core/v1.js'
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js'
import type { Ingress, NetworkPolicy } from 'kubernetes-types/networking/v1.js'
import { selectorText } from '../selectors.ts'
import { age, columns, labelsText, orNone, type Printer } from './printer.ts'

export const servicePrinter: Printer<Service> = {
  columns: columns('Name', 'Type', 'Cluster-IP', 'External-IP', 'Port(s)', 'Age', '+Selector'),
  cells: ({ metadata, spec, status }) => [
    metadata?.name ?? '',
    spec?.type ?? '',
    spec?.type === 'ExternalName' ? '<none>' : orNone(spec?.clusterIP),
    externalText(spec, status),
    portsText(spec?.ports),
    age(metadata?.creationTimestamp),
    labelsText(spec?.selector),
  ],
}

function externalText(spec: Service['spec'], status: Service['status']): string {
  if (spec?.type === 'ExternalName') return spec.externalName ?? '<none>'
  if (spec?.type !== 'LoadBalancer') return orNone(spec?.externalIPs?.join(','))
  const addresses = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip ?? hostname)
  return addresses.length > 0 ? addresses.join(',') : '<pending>'
}

function portsText(ports: NonNullable<Service['spec']>['ports'] = []): string {
  if (ports.length === 0) return '<none>'
  return ports
    .map(({ port, nodePort, protocol }) => `${port}${nodePort ? `:${nodePort}` : ''}/${protocol}`)
    .join(',')
}

export const endpointsPrinter: Printer<Endpoints> = {
  columns: columns('Name', 'Endpoints', 'Age'),
  cells: ({ metadata, subsets = [] }) => {
    const all = subsets.flatMap(({ addresses = [], ports = [] }) =>
      addresses.flatMap(({ ip }) => ports.map(({ port }) => `${ip}:${port}`)),
    )
    const shown = all.slice(0, 3).join(',')
    const text = all.length > 3 ? `${shown} + ${all.length - 3} more...` : orNone(shown)
    return [metadata?.name ?? '', text, age(metadata?.creationTimestamp)]
  },
}

export const endpointSlicePrinter: Printer<EndpointSlice> = {
  columns: columns('Name', 'AddressType', 'Ports', 'Endpoints', 'Age'),
  cells: ({ metadata, addressType, ports, endpoints }) => {
    const addresses = (endpoints ?? []).flatMap((endpoint) => endpoint.addresses)
    const shown = addresses.slice(0, 3).join(',')
    return [
      metadata?.name ?? '',
      addressType,
      (ports ?? []).map(({ port }) => port).join(',') || '<unset>',
      addresses.length > 3 ? `${shown} + ${addresses.length - 3} more...` : shown || '<unset>',
      age(metadata?.creationTimestamp),
    ]
  },
}

export const ingressPrinter: Printer<Ingress> = {
  columns: columns('Name', 'Class', 'Hosts', 'Address', 'Ports', 'Age'),
  cells: ({ metadata, spec, status }) => {
    const hosts = (spec?.rules ?? []).flatMap(({ host }) => host ?? [])
    const addresses = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip ?? hostname)
    return [
      metadata?.name ?? '',
      orNone(spec?.ingressClassName),
      hosts.length > 0 ? hosts.join(',') : '*',
      addresses.join(','),
      spec?.tls?.length ? '80, 443' : '80',
      age(metadata?.creationTimestamp),
    ]
  },
}

export const networkPolicyPrinter: Printer<NetworkPolicy> = {
  columns: columns('Name', 'Pod-Selector', 'Age'),
  cells: ({ metadata, spec }) => [
    metadata?.name ?? '',
    orNone(selectorText(spec?.podSelector)),
    age(metadata?.creationTimestamp),
  ],
}
