import type { ServerResponse } from 'node:http'
import type { Server } from 'node:https'
import { apiFaultsSchema, type FaultPlan } from './api/faults.ts'
import type { Answer } from './api/request.ts'
import { refuse, StatusError } from './api/status.ts'

export interface AdminTargets {
  faults: FaultPlan
  /** The listener for outside clients, and its open watches and followed logs. */
  outside: () => { server: Server; streams: Set<ServerResponse>; port: number }
  /** Undefined until everything is in place that a client needs. */
  status: () => object | undefined
  stop: () => void
}

/**
 * The sandbox's own endpoints, for whoever has the token:
 *
 * - `GET /sandbox/status` who serves, where, since when
 * - `GET|PUT|DELETE /sandbox/faults` see apiFaultsSchema
 * - `POST /sandbox/drop-watches` ends all open watches and followed logs of outside clients
 * - `POST /sandbox/silence?seconds=N` refuses connections from outside for so long
 * - `POST /sandbox/stop` ends the server
 */
export function createAdmin(targets: AdminTargets) {
  return async (
    method: string,
    path: string,
    body: Buffer,
    query: URLSearchParams,
  ): Promise<Answer | undefined> => {
    switch (`${method} ${path}`) {
      case 'GET /sandbox/status':
        return status(targets)
      case 'GET /sandbox/faults':
        return { json: targets.faults.current }
      case 'PUT /sandbox/faults':
        return setFaults(targets.faults, JSON.parse(body.toString('utf8')))
      case 'DELETE /sandbox/faults':
        return setFaults(targets.faults, {})
      case 'POST /sandbox/drop-watches':
        return { json: { dropped: dropStreams(targets) } }
      case 'POST /sandbox/silence':
        silence(targets, Number(query.get('seconds')))
        return { json: {} }
      case 'POST /sandbox/stop':
        setImmediate(targets.stop)
        return { json: {} }
      default:
        return undefined
    }
  }
}

function status(targets: AdminTargets): Answer {
  const document = targets.status()
  if (!document) throw new StatusError(503, 'ServiceUnavailable', 'the sandbox is starting')
  return { json: document }
}

function setFaults(plan: FaultPlan, input: unknown): Answer {
  const parsed = apiFaultsSchema.safeParse(input)
  if (!parsed.success) throw refuse.badRequest(parsed.error.message)
  plan.set(parsed.data)
  return { json: parsed.data }
}

function dropStreams({ outside }: AdminTargets): number {
  const { streams } = outside()
  const count = streams.size
  for (const stream of streams) stream.destroy()
  return count
}

function silence({ outside }: AdminTargets, seconds: number): void {
  const { server, port } = outside()
  server.close()
  server.closeAllConnections()
  setTimeout(() => server.listen(port, '127.0.0.1'), seconds * 1000)
}
