import protobuf from 'protobufjs'
import { isObject, type JsonObject } from '../json.ts'
import { refuse } from './status.ts'

/**
 * The messages that helm and kubectl send as protobuf: their typed clients prefer it for built-in kinds. Field
 * numbers are those of the `generated.proto` files of k8s.io/api and k8s.io/apimachinery.
 */
const MESSAGES = `
syntax = "proto3";
message Unknown { TypeMeta typeMeta = 1; bytes raw = 2; string contentEncoding = 3; string contentType = 4; }
message TypeMeta { string apiVersion = 1; string kind = 2; }
message Time { int64 seconds = 1; int32 nanos = 2; }
message OwnerReference {
  string kind = 1; string name = 3; string uid = 4; string apiVersion = 5; bool controller = 6;
  bool blockOwnerDeletion = 7;
}
message ObjectMeta {
  string name = 1; string generateName = 2; string namespace = 3; string selfLink = 4; string uid = 5;
  string resourceVersion = 6; int64 generation = 7; Time creationTimestamp = 8; Time deletionTimestamp = 9;
  int64 deletionGracePeriodSeconds = 10; map<string, string> labels = 11; map<string, string> annotations = 12;
  repeated OwnerReference ownerReferences = 13; repeated string finalizers = 14;
}
message Secret { ObjectMeta metadata = 1; map<string, bytes> data = 2; string type = 3; map<string, string> stringData = 4; bool immutable = 5; }
message ConfigMap { ObjectMeta metadata = 1; map<string, string> data = 2; map<string, bytes> binaryData = 3; bool immutable = 4; }
message NamespaceSpec { repeated string finalizers = 1; }
message NamespaceStatus { string phase = 1; }
message Namespace { ObjectMeta metadata = 1; NamespaceSpec spec = 2; NamespaceStatus status = 3; }
message ObjectReference {
  string kind = 1; string namespace = 2; string name = 3; string uid = 4; string apiVersion = 5;
  string resourceVersion = 6; string fieldPath = 7;
}
message ServiceAccount { ObjectMeta metadata = 1; repeated ObjectReference secrets = 2; }
message Quantity { string string = 1; }
message ResourceQuotaSpec { map<string, Quantity> hard = 1; repeated string scopes = 2; }
message ResourceQuotaStatus {}
message ResourceQuota { ObjectMeta metadata = 1; ResourceQuotaSpec spec = 2; ResourceQuotaStatus status = 3; }
message ResourceAttributes {
  string namespace = 1; string verb = 2; string group = 3; string version = 4; string resource = 5;
  string subresource = 6; string name = 7;
}
message NonResourceAttributes { string path = 1; string verb = 2; }
message AccessSpec { ResourceAttributes resourceAttributes = 1; NonResourceAttributes nonResourceAttributes = 2; }
message ReviewStatus { bool allowed = 1; string reason = 2; string evaluationError = 3; bool denied = 4; }
message SelfSubjectAccessReview { ObjectMeta metadata = 1; AccessSpec spec = 2; ReviewStatus status = 3; }
message RulesSpec { string namespace = 1; }
message RulesStatus { bool incomplete = 3; string evaluationError = 4; }
message SelfSubjectRulesReview { ObjectMeta metadata = 1; RulesSpec spec = 2; RulesStatus status = 3; }
message UserInfo { string username = 1; string uid = 2; }
message SelfSubjectReviewStatus { UserInfo userInfo = 1; }
message SelfSubjectReview { ObjectMeta metadata = 1; SelfSubjectReviewStatus status = 2; }
message Preconditions { string uid = 1; string resourceVersion = 2; }
message DeleteOptions {
  optional int64 gracePeriodSeconds = 1; Preconditions preconditions = 2; optional bool orphanDependents = 3;
  optional string propagationPolicy = 4; repeated string dryRun = 5;
}
`
const MAGIC = Buffer.from('k8s\0')
const root = protobuf.parse(MESSAGES, { keepCase: true }).root
const Unknown = root.lookupType('Unknown')

/** @throws {StatusError} 415 for a kind without a description here */
export function decodeProtobuf(body: Buffer): JsonObject {
  if (!body.subarray(0, 4).equals(MAGIC)) throw refuse.badRequest('the protobuf body lacks its prefix')
  const envelope = plain(Unknown, Unknown.decode(body.subarray(4))) as {
    typeMeta?: { apiVersion?: string; kind?: string }
    raw?: string
  }
  const { apiVersion = '', kind = '' } = envelope.typeMeta ?? {}
  const type = root.nested?.[kind]
  if (!(type instanceof protobuf.Type)) throw refuse.unsupportedMediaType(`protobuf for ${kind}`)
  const reader = protobuf.Reader.create(Buffer.from(envelope.raw ?? '', 'base64'))
  reader.discardUnknown = false
  const message = type.decode(reader)
  // To leave fields out silently would store another object than the client sent.
  if (hasUnknownFields(message)) {
    throw refuse.unsupportedMediaType(`protobuf for ${kind} with fields that the sandbox does not know`)
  }
  return { apiVersion, kind, ...tidy(plain(type, message) as JsonObject) }
}

function plain(type: protobuf.Type, message: protobuf.Message): unknown {
  return type.toObject(message, { longs: Number, bytes: String })
}

function hasUnknownFields(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasUnknownFields)
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return false
  return '$unknowns' in value || Object.values(value).some(hasUnknownFields)
}

/** Go sends empty strings, empty messages and zero times where JSON has nothing. */
function tidy(value: JsonObject): JsonObject {
  const entries = Object.entries(value).flatMap(([field, child]): [string, unknown][] => {
    if (child === '' || (field === 'generation' && child === 0)) return []
    if (field.endsWith('Timestamp')) return timeOf(field, child)
    if (field === 'hard' && isObject(child)) return [[field, quantities(child)]]
    return isObject(child) && !FREE.has(field) ? [[field, tidy(child)]] : [[field, child]]
  })
  return Object.fromEntries(entries)
}

/** Maps in which an empty value means something. */
const FREE = new Set(['labels', 'annotations', 'data', 'stringData'])

function timeOf(field: string, value: unknown): [string, string][] {
  const { seconds = 0 } = value as { seconds?: number }
  return seconds > 0 ? [[field, new Date(seconds * 1000).toISOString()]] : []
}

function quantities(value: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(value).map(([key, quantity]) => [key, (quantity as { string?: string }).string ?? '0']),
  )
}
