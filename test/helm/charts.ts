import { join } from 'node:path'

export const repository = join(import.meta.dirname, '..', '..')
export const helmFolder = join(repository, 'helm')

export const services = [
  'api-gateway',
  'task-service',
  'emr-service',
  'sync-service',
  'handover-service',
] as const
export type Service = (typeof services)[number]

export const environments = ['development', 'staging', 'production'] as const
export type Environment = (typeof environments)[number]

/** Every chart in every environment. */
export const matrix = services.flatMap((service) =>
  environments.map((environment) => ({ service, environment })),
)
