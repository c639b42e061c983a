import { randomBytes } from 'node:crypto'
import { stringify } from 'yaml'
import { z } from 'zod'
import { CONTEXT, instanceFiles, readJson, readText, writePrivate } from './instance.ts'

const credentialsSchema = z.object({
  ca: z.string(),
  cert: z.string(),
  key: z.string(),
  token: z.string(),
})

export type Credentials = z.infer<typeof credentialsSchema>

const YEARS = 10

/** The sandbox's certificates and token, as an earlier start made them. */
export function readCredentials(folder: string): Credentials | undefined {
  return readJson(instanceFiles(folder).credentials, credentialsSchema)
}

/** The same, made on the first start. */
export async function ensureCredentials(folder: string): Promise<Credentials> {
  const known = readCredentials(folder)
  if (known) return known
  const credentials = await makeCredentials()
  writePrivate(folder, instanceFiles(folder).credentials, JSON.stringify(credentials, undefined, 2))
  return credentials
}

async function makeCredentials(): Promise<Credentials> {
  const { generate } = await import('selfsigned')
  const notAfterDate = new Date()
  notAfterDate.setFullYear(notAfterDate.getFullYear() + YEARS)
  const common = { keyType: 'ec', algorithm: 'sha256', notAfterDate } as const
  const ca = await generate([{ name: 'commonName', value: 'emr sandbox CA' }], {
    ...common,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  })
  const server = await generate([{ name: 'commonName', value: 'emr sandbox' }], {
    ...common,
    ca: { key: ca.private, cert: ca.cert },
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  })
  return {
    ca: ca.cert,
    cert: server.cert,
    key: server.private,
    token: randomBytes(32).toString('base64url'),
  }
}

/** Writes the kubeconfig that helm, kubectl and emr use, unless it is there as it should be. */
export function keepKubeconfig(folder: string, { ca, token }: Credentials, server: string): void {
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: CONTEXT,
        cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') },
      },
    ],
    users: [{ name: CONTEXT, user: { token } }],
    contexts: [{ name: CONTEXT, context: { cluster: CONTEXT, user: CONTEXT } }],
    'current-context': CONTEXT,
  }
  const file = instanceFiles(folder).kubeconfig
  const content = stringify(kubeconfig)
  if (readText(file) !== content) writePrivate(folder, file, content)
}
