import type { ServerResponse } from 'node:http'
import type { Pod } from 'kubernetes-types/core/v1.js'
import { containerLog, type LogLine } from '../node/logs.ts'
import { find } from './read.ts'
import { type Answer, type Api, isTrue, type ResourceRequest } from './request.ts'
import { refuse } from './status.ts'

/** How often a followed log is looked at for new lines. */
const FOLLOW_MS = 250

/** GET pods/NAME/log. @throws {StatusError} 400 where the kubelet has no such log, 404 */
export function readLog(api: Api, request: ResourceRequest): Answer {
  const pod = find(api, request).object as unknown as Pod
  const name = containerName(pod, request.query.get('container') ?? '')
  const previous = isTrue(request.query.get('previous'))
  refuseWithoutLog(pod, name, previous)
  const written = containerLog(pod, name, { previous, now: Date.now() })
  const lines = selectLines(written, request.query)
  const text = lines.map((line) => format(line, request.query)).join('')
  if (!isTrue(request.query.get('follow')) || previous) {
    const limit = Number(request.query.get('limitBytes')) || text.length
    return { text: text.slice(0, limit), contentType: 'text/plain' }
  }
  return {
    stream: (response) => follow(api, request, name, { text, newest: written.at(-1)?.time ?? 0 }, response),
  }
}

function containerName({ metadata, spec }: Pod, asked: string): string {
  const containers = (spec?.containers ?? []).map(({ name }) => name)
  const all = [...containers, ...(spec?.initContainers ?? []).map(({ name }) => name)]
  if (asked !== '') {
    if (all.includes(asked)) return asked
    throw refuse.badRequest(`container ${asked} is not valid for pod ${metadata?.name}`)
  }
  const [only] = containers
  if (containers.length === 1 && only !== undefined) return only
  throw refuse.badRequest(
    `a container name must be specified for pod ${metadata?.name}, choose one of: [${containers.join(' ')}]`,
  )
}

/** The wording is that of the kubelet's validateContainerLogStatus, through the API server. */
function refuseWithoutLog({ metadata, status }: Pod, name: string, previous: boolean): void {
  const statuses = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]
  const { state, lastState } = statuses.find((candidate) => candidate.name === name) ?? {}
  const where = `container "${name}" in pod "${metadata?.name}"`
  if (previous) {
    if (lastState?.terminated) return
    throw refuse.badRequest(`previous terminated container "${name}" in pod "${metadata?.name}" not found`)
  }
  if (state?.running || state?.terminated || lastState?.terminated) return
  const reason = state?.waiting?.reason
  if (reason === 'ErrImagePull')
    throw refuse.badRequest(`${where} is waiting to start: image can't be pulled`)
  if (reason === 'ImagePullBackOff') {
    throw refuse.badRequest(`${where} is waiting to start: trying and failing to pull image`)
  }
  throw refuse.badRequest(`${where} is waiting to start: ${reason ?? 'ContainerCreating'}`)
}

function selectLines(lines: LogLine[], query: URLSearchParams): LogLine[] {
  const seconds = Number(query.get('sinceSeconds'))
  const sinceTime = query.get('sinceTime')
  const since = seconds > 0 ? Date.now() - seconds * 1000 : sinceTime ? Date.parse(sinceTime) : 0
  const recent = lines.filter(({ time }) => time >= since)
  const tail = query.get('tailLines')
  if (tail === null || Number(tail) < 0) return recent
  return Number(tail) === 0 ? [] : recent.slice(-Number(tail))
}

function format({ time, text }: LogLine, query: URLSearchParams): string {
  if (!isTrue(query.get('timestamps'))) return `${text}\n`
  return `${new Date(time).toISOString().replace('Z', '000000Z')} ${text}\n`
}

/** Sends new lines until the container ends or the client leaves. */
function follow(
  api: Api,
  request: ResourceRequest,
  name: string,
  read: { text: string; newest: number },
  response: ServerResponse,
): void {
  response.writeHead(200, { 'content-type': 'text/plain' })
  response.flushHeaders()
  response.write(read.text)
  // By the time of the line, not of the look at it: last words follow from a status that knows whole seconds only.
  let sent = read.newest
  const next = () => {
    const entry = api.store.get('pods', request.namespace, request.name ?? '')
    const pod = entry?.object as unknown as Pod | undefined
    const lines = pod ? containerLog(pod, name, { previous: false, now: Date.now() }) : []
    for (const line of lines) if (line.time > sent) response.write(format(line, request.query))
    sent = lines.at(-1)?.time ?? sent
    const statuses = [
      ...(pod?.status?.initContainerStatuses ?? []),
      ...(pod?.status?.containerStatuses ?? []),
    ]
    if (!statuses.find((status) => status.name === name)?.state?.running) response.end()
  }
  const timer = setInterval(next, FOLLOW_MS)
  response.on('close', () => clearInterval(timer))
  next()
}
