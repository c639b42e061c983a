import { generate } from 'selfsigned'

interface KeyPair {
  cert: string
  key: string
}

export interface Certificates {
  ca: string
  /** For `cluster.internal`, 127.0.0.1 and ::1. */
  server: KeyPair
  clients: Record<'alice' | 'bob', KeyPair>
  /** Of another authority, and trusted by nobody. */
  strangerCa: string
}

/** An authority with a certificate for a server and for two clients. */
export async function makeCertificates(): Promise<Certificates> {
  const common = { keyType: 'ec', algorithm: 'sha256' } as const
  const authority = (name: string) =>
    generate([{ name: 'commonName', value: name }], {
      ...common,
      extensions: [
        { name: 'basicConstraints', cA: true, critical: true },
        { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
      ],
    })
  const [ca, stranger] = await Promise.all([authority('contract CA'), authority('stranger CA')])
  const issue = async (name: string, usage: 'serverAuth' | 'clientAuth'): Promise<KeyPair> => {
    const made = await generate([{ name: 'commonName', value: name }], {
      ...common,
      ca: { key: ca.private, cert: ca.cert },
      extensions: [
        { name: 'basicConstraints', cA: false },
        { name: 'keyUsage', digitalSignature: true, critical: true },
        { name: 'extKeyUsage', [usage]: true },
        {
          name: 'subjectAltName',
          altNames: [
            { type: 2, value: 'cluster.internal' },
            { type: 7, ip: '127.0.0.1' },
            { type: 7, ip: '::1' },
          ],
        },
      ],
    })
    return { cert: made.cert, key: made.private }
  }
  const [server, alice, bob] = await Promise.all([
    issue('server', 'serverAuth'),
    issue('alice', 'clientAuth'),
    issue('bob', 'clientAuth'),
  ])
  return { ca: ca.cert, server, clients: { alice, bob }, strangerCa: stranger.cert }
}
