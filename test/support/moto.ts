import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { ApiRequest, Gap } from './emulator/gaps.ts'
import { gaps } from './emulator/index.ts'

/** The account that moto gives to every caller. */
export const MOTO_ACCOUNT = '123456789012'

/** An AWS emulator on this machine. */
export interface Emulator {
  /** `http://127.0.0.1:PORT` */
  endpoint: string
  /** Credentials for its clients; none of the user's own are left. */
  env: NodeJS.ProcessEnv
  stop: () => Promise<void>
}

/** Why the emulator cannot run here; undefined where it can. @throws on CI, with what to install */
export function motoLack(): string | undefined {
  const { status } = spawnSync('python3', ['-c', 'import moto.server'], { stdio: 'ignore' })
  if (status === 0) return undefined
  const what = 'python3 has no moto.server; install it with: pip install "moto[server]>=5.1"'
  if (process.env.CI) throw new Error(`The suites on the AWS emulator cannot run: ${what}`)
  process.stderr.write(`Skipping the suites on the AWS emulator: ${what}\n`)
  return what
}

/** Starts moto on a free port, and before it a proxy that answers what moto cannot. */
export async function startEmulator(): Promise<Emulator> {
  const port = await freePort()
  const child = spawn('python3', ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)], {
    stdio: 'ignore',
    env: { ...process.env, MOTO_IAM_LOAD_MANAGED_POLICIES: 'true' },
  })
  await answering(child, port)
  const proxy = await startProxy(port, gaps())
  const endpoint = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  return {
    endpoint,
    env: {
      AWS_ACCESS_KEY_ID: 'testing',
      AWS_SECRET_ACCESS_KEY: 'testing',
      AWS_REGION: 'us-east-1',
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
      AWS_PROFILE: undefined,
      AWS_SESSION_TOKEN: undefined,
    },
    stop: async () => {
      proxy.closeAllConnections()
      proxy.close()
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** Makes an EKS cluster, without the SDK, which does not send what EKS itself finds out: the VPC, and the group that it makes. */
export async function createCluster(
  endpoint: string,
  name: string,
  resourcesVpcConfig: object,
): Promise<void> {
  const headers = {
    authorization: 'AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/eks/aws4_request',
    'content-type': 'application/json',
  }
  const roleArn = `arn:aws:iam::${MOTO_ACCOUNT}:role/eks`
  const body = JSON.stringify({ name, roleArn, resourcesVpcConfig })
  const { status } = await fetch(`${endpoint}/clusters`, { method: 'POST', headers, body })
  if (status !== 200) throw new Error(`the emulator made no cluster: ${status}`)
}

async function freePort(): Promise<number> {
  const server = createTcpServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function answering(child: ChildProcess, port: number): Promise<void> {
  while (child.exitCode === null) {
    const answer = await fetch(`http://127.0.0.1:${port}/moto-api/`).catch(() => undefined)
    if (answer?.ok) return
    await delay(100)
  }
  throw new Error(`moto ended with ${child.exitCode} before it answered`)
}

async function startProxy(port: number, all: Gap[]): Promise<Server> {
  const server = createServer((incoming, response) => {
    answer(incoming, response, port, all).catch((error: unknown) => {
      response.writeHead(500).end(String(error))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

async function answer(
  incoming: IncomingMessage,
  response: ServerResponse,
  port: number,
  all: Gap[],
): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk)
  const sent = Buffer.concat(chunks)
  const { method = 'GET', headers } = incoming
  const url = new URL(incoming.url ?? '/', `http://127.0.0.1:${port}`)
  const call: ApiRequest = { method, url, headers, body: sent.toString() }
  for (const { answer } of all) {
    const found = answer?.(call)
    if (found === undefined) continue
    response.writeHead(found.status, { 'content-type': `application/${found.type}` }).end(found.body)
    return
  }
  const mended = call.body !== sent.toString()
  const body = mended ? Buffer.from(call.body) : sent
  const menders = all.filter(({ mend }) => mend !== undefined)
  const passed = mended ? { ...headers, 'content-length': String(body.length) } : headers
  const forwarded = request({
    host: '127.0.0.1',
    port,
    method,
    path: incoming.url,
    headers: passed,
    agent: false,
  })
  forwarded.on('error', (error) => response.writeHead(502).end(String(error)))
  forwarded.on('response', async (from) => {
    const parts: Buffer[] = []
    for await (const part of from) parts.push(part)
    const received = Buffer.concat(parts)
    const before = received.toString()
    const after = menders.reduce((text, { mend }) => mend?.(call, text) ?? text, before)
    // Objects are bytes, not text: what nobody mended passes as it came.
    const final = after === before ? received : Buffer.from(after)
    const { 'transfer-encoding': _chunked, ...kept } = from.headers
    // A HEAD tells the length of a body that it does not have.
    const length = method === 'HEAD' ? {} : { 'content-length': String(final.length) }
    response.writeHead(from.statusCode ?? 502, { ...kept, ...length }).end(final)
  })
  forwarded.end(body)
}
