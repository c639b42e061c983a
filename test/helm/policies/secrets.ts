import { ofKind, perContainer } from '../objects.ts'
import type { Release } from '../render.ts'

/** Secrets live in AWS Secrets Manager, under the name of the environment; only references to them are deployed. */
export function secretsByReference({ objects, environment }: Release): string[] {
  const secrets = ofKind(objects, 'Secret').map(
    ({ metadata }) => `Secret/${metadata?.name}: must not be in a chart`,
  )
  const external = ofKind(objects, 'ExternalSecret')
  const references = external.flatMap(({ metadata, spec }) => {
    const store = `${spec?.secretStoreRef?.kind}/${spec?.secretStoreRef?.name}`
    const faults = (spec?.data ?? [])
      .filter(
        ({ remoteRef }) => !remoteRef.key.startsWith(`emr-platform/${environment}/`) || !remoteRef.property,
      )
      .map(({ secretKey }) => `${secretKey} does not come from emr-platform/${environment}/`)
    if (store !== 'ClusterSecretStore/aws-secrets-manager') faults.push(`store is ${store}`)
    if (spec?.target?.deletionPolicy !== 'Retain') faults.push('deletionPolicy is not Retain')
    return faults.map((fault) => `ExternalSecret/${metadata?.name}: ${fault}`)
  })
  return external.length === 1
    ? [...secrets, ...references]
    : [...secrets, `${external.length} ExternalSecrets`]
}

const secretLooking = /PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIAL|PRIVATE|(^|_)KEY($|_)|AUTH$|API_?KEY/i

/** Nothing that looks like a secret among the plain settings, or among the variables of a container. */
export function noPlainSecrets({ objects }: Release): string[] {
  const settings = ofKind(objects, 'ConfigMap').flatMap((map) =>
    Object.entries(map.data ?? {})
      .filter(([key, value]) => secretLooking.test(key) || /-----BEGIN|:\/\/[^/\s]*:[^/\s]*@/.test(value))
      .map(([key]) => `ConfigMap/${map.metadata?.name}: ${key} looks like a secret`),
  )
  const variables = perContainer(objects, ({ env = [], envFrom = [] }) => ({
    'takes secrets as environment variables':
      env.some(({ valueFrom }) => valueFrom?.secretKeyRef) || envFrom.some(({ secretRef }) => secretRef),
    'has a secret in its variables': env.some(
      ({ name, value }) => value !== undefined && name !== 'SECRETS_PATH' && secretLooking.test(name),
    ),
  }))
  return [...settings, ...variables]
}

/** Every connection to a data store is encrypted and checked, in each environment. */
export function encryptedStores({ objects }: Release): string[] {
  const keys = ofKind(objects, 'ExternalSecret').flatMap(({ spec }) =>
    (spec?.data ?? []).map((each) => each.secretKey),
  )
  const settings = Object.assign({}, ...ofKind(objects, 'ConfigMap').map(({ data }) => data)) as Record<
    string,
    string
  >
  const wanted: Record<string, Record<string, string>> = {
    DATABASE_HOST: {
      DATABASE_SSL_MODE: 'verify-full',
      DATABASE_SSL_ROOT_CERT: '/etc/ssl/certs/rds-global-bundle.pem',
    },
    REDIS_HOST: { REDIS_TLS: 'true', REDIS_SCHEME: 'rediss' },
    KAFKA_BOOTSTRAP_SERVERS: { KAFKA_SECURITY_PROTOCOL: 'SASL_SSL', KAFKA_SASL_MECHANISM: 'AWS_MSK_IAM' },
  }
  return Object.entries(wanted)
    .filter(([store]) => keys.includes(store))
    .flatMap(([, variables]) => Object.entries(variables))
    .filter(([key, value]) => settings[key] !== value)
    .map(([key, value]) => `ConfigMap: ${key} must be ${value}, not ${settings[key]}`)
}
