import { gunzipSync } from 'node:zlib'
import { z } from 'zod'
import { EmrError, ExitCode } from '../../errors.ts'
import { foreignJson } from '../../foreign.ts'
import { YAMLException, yamlDocuments } from '../../yaml.ts'
import type { KubernetesObject } from '../kubernetes/types.ts'

export type ReleaseStatus =
  | 'unknown'
  | 'deployed'
  | 'uninstalled'
  | 'superseded'
  | 'failed'
  | 'uninstalling'
  | 'pending-install'
  | 'pending-upgrade'
  | 'pending-rollback'

/** What a chart renders to. */
export interface Rendered {
  /** Without hooks. */
  objects: KubernetesObject[]
  hooks: KubernetesObject[]
}

export interface Release extends Rendered {
  name: string
  revision: number
  status: ReleaseStatus
  /** Epoch milliseconds. */
  updatedAt: number
  description: string
  /** The values that were given, without the chart's defaults. */
  values: Record<string, unknown>
}

export interface Revision {
  revision: number
  status: ReleaseStatus
  description: string
  /** Epoch milliseconds. */
  updatedAt: number
  chart: string
  appVersion: string
}

const statusSchema = z.looseObject({
  name: z.string(),
  version: z.number(),
  info: z.looseObject({
    status: z.string(),
    last_deployed: z.string().default(''),
    description: z.string().default(''),
  }),
  config: z.record(z.string(), z.unknown()).nullish(),
  manifest: z.string().default(''),
  hooks: z.array(z.looseObject({ manifest: z.string() })).nullish(),
})

const storedSchema = z.looseObject({ name: z.string(), namespace: z.string(), manifest: z.string() })

const historySchema = z.array(
  z.looseObject({
    revision: z.number(),
    status: z.string(),
    description: z.string().default(''),
    updated: z.string(),
    chart: z.string(),
    app_version: z.string().default(''),
  }),
)

/** The revision that `helm upgrade --output json` has made. */
export function parseRevision(text: string): number {
  return foreignJson('helm upgrade', text, (json) => statusSchema.parse(json).version)
}

/** What `helm status` and a dry run of `helm upgrade` tell with --output json. */
export function parseRelease(text: string): Release {
  const { name, version, info, config, manifest, hooks } = foreignJson('helm', text, (json) =>
    statusSchema.parse(json),
  )
  return {
    name,
    revision: version,
    status: info.status as ReleaseStatus,
    updatedAt: Date.parse(info.last_deployed) || 0,
    description: info.description,
    values: config ?? {},
    objects: parseManifest(manifest),
    hooks: (hooks ?? []).flatMap((hook) => parseManifest(hook.manifest)),
  }
}

/** A release as helm keeps it in a Secret: JSON, gzipped, in base64. */
export function parseStored(text: string): { name: string; namespace: string; objects: KubernetesObject[] } {
  const json = gunzipSync(Buffer.from(text, 'base64')).toString('utf8')
  const { name, namespace, manifest } = storedSchema.parse(JSON.parse(json))
  return { name, namespace, objects: parseManifest(manifest) }
}

/** What `helm history` tells with --output json. */
export function parseHistory(text: string): Revision[] {
  return foreignJson('helm history', text, (json) => historySchema.parse(json)).map((entry) => ({
    revision: entry.revision,
    status: entry.status as ReleaseStatus,
    description: entry.description,
    updatedAt: Date.parse(entry.updated) || 0,
    chart: entry.chart,
    appVersion: entry.app_version,
  }))
}

/** What `helm template` prints. */
export function parseRendered(text: string): Rendered {
  const all = parseManifest(text)
  return { objects: all.filter((object) => !isHook(object)), hooks: all.filter(isHook) }
}

function isHook(object: KubernetesObject): boolean {
  return object.metadata?.annotations?.['helm.sh/hook'] !== undefined
}

/** @throws {EmrError} MANIFEST_INVALID (exit 4) when a chart renders text that is not YAML */
function parseManifest(text: string): KubernetesObject[] {
  try {
    const objects = yamlDocuments(text) as (KubernetesObject | null)[]
    return objects.filter((object) => object !== null)
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error
    throw new EmrError(`The chart renders invalid YAML: ${error.message}`, {
      code: 'MANIFEST_INVALID',
      exitCode: ExitCode.preflight,
    })
  }
}
