import { readFile } from 'node:fs/promises'
import { messageOf } from '../../errors.ts'
import type { CredentialSource, Credentials } from './exec-credential.ts'
import type { User } from './kubeconfig-file.ts'

/**
 * The credentials of a user that stand in its kubeconfig or in a file, as client-go takes them: the file before the token
 * beside it, as long as the file can be read; it is read for each request, since whoever mounts it replaces it.
 * @returns undefined where the user has neither token nor password nor certificate
 * @throws {Error} naming the field and the file
 */
export async function staticCredentials(
  user: User,
  certificate: Certificate,
): Promise<CredentialSource | undefined> {
  const { token, tokenFile, username, password } = user
  const hasToken = token !== '' || tokenFile !== ''
  if (username !== '' && hasToken) throw new Error('its user has both a username and a token')
  if (tokenFile !== '') {
    let last = await readToken(tokenFile).catch((error) => {
      if (token === '') throw new Error(`tokenFile ${tokenFile}: ${messageOf(error)}`)
      return token
    })
    return {
      credentials: async () => {
        last = await readToken(tokenFile).catch(() => last)
        return { ...certificate, authorization: `Bearer ${last}` }
      },
    }
  }
  const authorization = token === '' ? basic(username, password) : `Bearer ${token}`
  if (authorization === undefined && certificate.cert === undefined) return undefined
  const credentials: Credentials = { ...certificate, ...(authorization && { authorization }) }
  return { credentials: async () => credentials }
}

export type Certificate = Pick<Credentials, 'cert' | 'key'>

/** The headers that ask the API server to act as somebody else, by name and values. */
export function impersonation(user: User): Record<string, string | string[]> {
  if (user.as === '') return {}
  const extra = Object.entries(user['as-user-extra']).map(([name, values]) => [
    `Impersonate-Extra-${headerName(name)}`,
    values,
  ])
  return {
    'Impersonate-User': user.as,
    ...(user['as-uid'] !== '' && { 'Impersonate-Uid': user['as-uid'] }),
    ...(user['as-groups'].length > 0 && { 'Impersonate-Group': user['as-groups'] }),
    ...Object.fromEntries(extra),
  }
}

async function readToken(path: string): Promise<string> {
  const token = (await readFile(path, 'utf8')).trim()
  if (token === '') throw new Error('the file is empty')
  return token
}

function basic(username: string, password: string): string | undefined {
  return username === '' ? undefined : `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

/** What is not allowed in the name of a header is written as its bytes in UTF-8. */
function headerName(name: string): string {
  return Array.from(Buffer.from(name), (byte) => {
    const character = String.fromCharCode(byte)
    return /[!#$&'*+\-.^_`|~0-9A-Za-z]/.test(character)
      ? character
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }).join('')
}
