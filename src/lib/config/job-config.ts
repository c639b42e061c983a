import { stringify } from 'yaml'
import { PASSWORD_FILE } from '../adapters/kubernetes/backup-job.ts'
import type { Environment } from '../domain/environment.ts'
import type { LoadedConfig } from './load.ts'

/**
 * The configuration of one environment for a pod that backs it up: without what only this machine has (profile,
 * files, the state of the infrastructure), with the password where the pod has it.
 * @param environment with the database and the store that are known by now, maybe from the infrastructure's outputs
 * @returns text of an emr.config.yaml; references to secrets, never a secret
 */
export function jobConfig({ settings }: LoadedConfig, environment: Environment): string {
  const { name, aws, database } = environment
  const backup = settings.environments[name]?.backup
  const { profile: _, ...account } = aws ?? {}
  const { job } = backup ?? {}
  const { mode = 'verify-full' } = database?.tls ?? {}
  const tls = mode === 'disable' ? { mode } : { mode, rootCertificate: job?.rootCertificate }
  return stringify({
    services: {},
    environments: {
      [name]: {
        ...(aws && { aws: account }),
        // Never looked at there.
        cluster: { kubeconfig: 'none', context: 'none' },
        database: database && { ...database, tls, password: job?.secret && { file: PASSWORD_FILE } },
        backup: { ...backup, ...storeOf(environment) },
      },
    },
  })
}

function storeOf({ backup }: Environment): { store: string; kmsKey: string | undefined } | undefined {
  const store = backup?.store
  if (store?.kind !== 's3') return undefined
  return { store: `s3://${[store.bucket, store.prefix].filter(Boolean).join('/')}`, kmsKey: store.kmsKeyId }
}
