import type { CredentialSource } from './exec-credential.ts'
import type { User } from './kubeconfig-file.ts'

/** Providers that kubectl knew once; it names the program that has taken their place. */
const REMOVED: Record<string, string> = {
  gcp: 'gke-gcloud-auth-plugin',
  azure: 'kubelogin (https://github.com/Azure/kubelogin)',
}
/** As client-go: a token that ends within this time counts as expired. */
const LEEWAY_MS = 10_000

/**
 * The id-token of `auth-provider: oidc`, the only provider that kubectl still has.
 * @throws {Error} saying why it cannot be used. A token that has expired is renewed by kubectl, which keeps the new one in
 * the kubeconfig.
 */
export function authProviderCredentials({
  name,
  config,
}: NonNullable<User['auth-provider']>): CredentialSource {
  const successor = REMOVED[name]
  if (successor)
    throw new Error(`the auth-provider '${name}' has been removed from kubectl; use ${successor}`)
  if (name !== 'oidc') throw new Error(`there is no auth-provider '${name}'`)
  for (const key of ['idp-issuer-url', 'client-id'])
    if (!config[key]) throw new Error(`its auth-provider oidc has no ${key}`)
  const token = config['id-token'] ?? ''
  if (expiryOf(token) - Date.now() < LEEWAY_MS)
    throw new Error('the id-token of its auth-provider oidc has expired; a kubectl command renews it')
  return { credentials: async () => ({ authorization: `Bearer ${token}` }) }
}

/** Epoch milliseconds; 0 for what is no JSON Web Token. */
function expiryOf(token: string): number {
  try {
    const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
      exp?: unknown
    }
    return typeof exp === 'number' ? exp * 1000 : 0
  } catch {
    return 0
  }
}
