import { resolveEnvironment } from './environment.ts'
import type { LoadedConfig } from './load.ts'

export interface Setting {
  /** Dotted path, as in the file. */
  path: string
  value: unknown
  /** `emr.config.yaml:12`, `EMR_HELM` or `default`. */
  origin: string
}

/** Every setting with its value in force and where that comes from; of one environment, or of the whole file. */
export function settingsWithOrigins(config: LoadedConfig, environment: string | undefined): Setting[] {
  const { environments, ...shared } = config.settings
  const shown = environment === undefined ? Object.keys(environments) : [environment]
  const settings = leaves(shared, [])
  for (const name of shown) {
    const { namespace, protected: isProtected } = resolveEnvironment(config, name)
    const complete = { protected: isProtected, namespace, ...environments[name] }
    settings.push(...leaves(complete, ['environments', name]))
  }
  return settings.map(({ path, value }) => ({ path: path.join('.'), value, origin: config.originOf(path) }))
}

interface Leaf {
  path: string[]
  value: unknown
}

function leaves(value: unknown, path: string[]): Leaf[] {
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (!isMap || Object.keys(value).length === 0) return value === undefined ? [] : [{ path, value }]
  return Object.entries(value).flatMap(([key, child]) => leaves(child, [...path, key]))
}
