import { type ApiObject, isObject } from '../../json.ts'
import { type CustomType, isCustom } from '../registry.ts'
import type { ServedType } from '../resources.ts'
import {
  bindingPrinter,
  configMapPrinter,
  dateCell,
  definitionPrinter,
  eventPrinter,
  ingressClassPrinter,
  leasePrinter,
  namespacePrinter,
  nodePrinter,
  plainPrinter,
  quotaPrinter,
  rolePrinter,
  secretPrinter,
  serviceAccountPrinter,
} from './core.ts'
import {
  endpointSlicePrinter,
  endpointsPrinter,
  ingressPrinter,
  networkPolicyPrinter,
  servicePrinter,
} from './network.ts'
import { podPrinter } from './pod.ts'
import { age, type Cell, type Column, columns, type Printer } from './printer.ts'
import {
  autoscalerPrinter,
  budgetPrinter,
  cronJobPrinter,
  daemonSetPrinter,
  deploymentPrinter,
  jobPrinter,
  replicaSetPrinter,
  statefulSetPrinter,
} from './workloads.ts'

// biome-ignore lint/suspicious/noExplicitAny: each printer takes its own kind, and the kind is the key.
const printers: Record<string, Printer<any>> = {
  Pod: podPrinter,
  Deployment: deploymentPrinter,
  ReplicaSet: replicaSetPrinter,
  StatefulSet: statefulSetPrinter,
  DaemonSet: daemonSetPrinter,
  Job: jobPrinter,
  CronJob: cronJobPrinter,
  HorizontalPodAutoscaler: autoscalerPrinter,
  PodDisruptionBudget: budgetPrinter,
  Service: servicePrinter,
  Endpoints: endpointsPrinter,
  EndpointSlice: endpointSlicePrinter,
  Ingress: ingressPrinter,
  IngressClass: ingressClassPrinter,
  NetworkPolicy: networkPolicyPrinter,
  Namespace: namespacePrinter,
  Node: nodePrinter,
  ConfigMap: configMapPrinter,
  Secret: secretPrinter,
  ServiceAccount: serviceAccountPrinter,
  Event: eventPrinter,
  ResourceQuota: quotaPrinter,
  Lease: leasePrinter,
  CustomResourceDefinition: definitionPrinter,
  RoleBinding: bindingPrinter,
  ClusterRoleBinding: bindingPrinter,
  Role: rolePrinter,
  ClusterRole: rolePrinter,
}

function printerOf(type: ServedType): Printer {
  return isCustom(type) ? customPrinter(type) : (printers[type.kind] ?? plainPrinter)
}

/** The columns of a kind's table. */
export function columnsOf(type: ServedType): Column[] {
  return printerOf(type).columns
}

/** One object's row. */
export function rowOf(object: ApiObject, type: ServedType): Cell[] {
  return printerOf(type).cells(object)
}

function customPrinter({ columns: declared }: CustomType): Printer {
  const shown = declared.length > 0 ? declared : [{ name: 'Age', type: 'date', jsonPath: AGE_PATH }]
  return {
    columns: [
      ...columns('Name'),
      ...shown.map(({ name, type, priority = 0 }) => ({
        name,
        type: type === 'integer' ? ('integer' as const) : ('string' as const),
        format: '',
        description: '',
        priority,
      })),
    ],
    cells: (object) => [
      object.metadata.name ?? '',
      ...shown.map(({ type, jsonPath }) => cell(type, jsonPath, object)),
    ],
  }
}

const AGE_PATH = '.metadata.creationTimestamp'

function cell(type: string, jsonPath: string, object: ApiObject): Cell {
  if (jsonPath === AGE_PATH) return age(object.metadata.creationTimestamp)
  const value = readPath(object, jsonPath)
  if (value === undefined) return type === 'date' ? '<unknown>' : null
  if (type === 'date') return dateCell(value)
  return typeof value === 'number' || typeof value === 'boolean' ? value : String(value)
}

/** The two forms of JSONPath that printer columns use: `.a.b` and `.list[?(@.type=="Ready")].status`. */
function readPath(object: unknown, jsonPath: string): unknown {
  let value = object
  for (const [, field, list, key, wanted] of jsonPath.matchAll(
    /\.(\w+)(?![[\w])|\.(\w+)\[\?\(@\.(\w+)\s*==\s*["']([^"']*)["']\)\]/g,
  )) {
    if (!isObject(value)) return undefined
    if (field !== undefined) value = value[field]
    else if (list !== undefined && key !== undefined) {
      const items = value[list]
      value = Array.isArray(items) ? items.find((item) => isObject(item) && item[key] === wanted) : undefined
    }
  }
  return value
}
