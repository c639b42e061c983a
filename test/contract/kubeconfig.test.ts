import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { kubectlBinary } from '../support/binaries.ts'
import { type Certificates, makeCertificates } from './certificates.ts'
import { type Answer, type Asked, askWithEmr, askWithKubectl } from './clients.ts'
import { type Listening, serveHttp, serveHttps, serveProxy, serveSocks } from './identity-server.ts'
import { type Row, rows, type Stage } from './kubeconfig-rows.ts'

const folder = mkdtempSync(join(tmpdir(), 'emr-contract-'))
const listening: Listening[] = []
const seen: string[] = []
const kubectl = await kubectlBinary('4')
const certificates = await makeCertificates()
const stage = await makeStage(certificates)

afterAll(() => {
  for (const server of listening) server.close()
  rmSync(folder, { recursive: true, force: true })
})

async function makeStage(certificates: Certificates): Promise<Stage> {
  const serve = async (server: Promise<Listening>) => {
    listening.push(await server)
    return (await server).port
  }
  const https = await serve(serveHttps(certificates))
  const http = await serve(serveHttp())
  return {
    https: `https://127.0.0.1:${https}`,
    http: `http://127.0.0.1:${http}`,
    ipv6: `https://[::1]:${await serve(serveHttps(certificates, '::1'))}`,
    named: `https://cluster.internal:${https}`,
    namedHttp: `http://cluster.internal:${http}`,
    proxies: {
      http: `http://127.0.0.1:${await serve(serveProxy(seen))}`,
      https: `https://127.0.0.1:${await serve(serveProxy(seen, certificates))}`,
      socks: `socks5://127.0.0.1:${await serve(serveSocks(seen))}`,
      refusing: `http://127.0.0.1:${await serve(serveProxy(seen, undefined, '403 Forbidden'))}`,
    },
    certificates,
  }
}

/** Writes a row's files, and says what to ask. */
function lay(index: number, row: Row): Asked {
  const place = join(folder, String(index))
  const cluster = {
    server: stage.https,
    'certificate-authority-data': isSecure(row) ? Buffer.from(certificates.ca).toString('base64') : undefined,
    ...row.cluster,
  }
  const text =
    row.text ??
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'k', cluster }],
      users: [{ name: 'u', user: row.user }],
      contexts: [{ name: 'c', context: { cluster: 'k', user: 'u' } }],
    })
  for (const [name, content] of Object.entries({ kubeconfig: text, ...row.files })) {
    const path = join(place, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
    if (name.endsWith('.sh')) chmodSync(path, 0o755)
  }
  return {
    kubeconfig: join(place, 'kubeconfig'),
    path: row.path ?? '/who',
    environment: row.environment ?? {},
  }
}

function isSecure(row: Row): boolean {
  const server = row.cluster?.server ?? stage.https
  return String(server).startsWith('https:')
}

/** With what the proxies have seen of it. */
async function ask(asking: () => Promise<Answer>): Promise<Answer> {
  seen.length = 0
  const answer = await asking()
  if ('failure' in answer.outcome || seen.length === 0) return answer
  return { ...answer, outcome: { ...answer.outcome, via: [...new Set(seen)].join(', ') } }
}

describe('a kubeconfig means to emr what it means to kubectl', () => {
  test.each(Object.entries(rows(stage)).map(([name, row], index) => ({ name, row, index })))(
    '$name',
    async ({ row, index }) => {
      const asked = lay(index, row)
      const theirs = await ask(() => askWithKubectl(kubectl, asked))
      const ours = await ask(() => askWithEmr(asked))
      expect({ kubectl: theirs.outcome, emr: ours.outcome }, `${theirs.words}\n${ours.words}`).toEqual({
        kubectl: row.theirs ?? row.expected,
        emr: row.expected,
      })
      if (row.says) expect(ours.words).toMatch(row.says)
    },
  )
})
