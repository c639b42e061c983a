import { stringify } from 'yaml'
import { PASSWORD_FILE } from '../adapters/kubernetes/backup-job.ts'
import type { Environment } from '../domain/environment.ts'
import type { LoadedConfig } from './load.ts'

/**
 * The configuration of one environment for a pod that backs it up: without what only this machine has (profile,
 * files), with the password where the pod has it.
 * @param environment with what the infrastructure tells of its database: a pod has no Terraform to ask
 * @returns text of an emr.config.yaml; references to secrets, never a secret
 */
export function jobConfig({ settings }: LoadedConfig, { name, aws, database }: Environment): string {
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
        backup,
      },
    },
  })
}
