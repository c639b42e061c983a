import type { Finding } from '../diagnosis/catalogue.ts'
import type { ContainerFacts, EventFacts, Terminated } from './facts.ts'
import { latest, ofContainer } from './latest.ts'
import { OTHER_PROCESSOR } from './pull.ts'

/** A container whose probe has failed is sent SIGTERM and has this long to end, more than charts give their pods. */
const GRACE_MS = 120_000
/** Kubernetes' times have whole seconds. */
const SECOND = 1000
/** What is left of a program that somebody else ended: well, by SIGKILL, by SIGTERM. */
const ENDED_BY_OTHERS = new Set([0, 137, 143])

/** The probe whose failure made the kubelet end a container. Readiness never does. */
export interface EndingProbe {
  kind: 'liveness' | 'startup'
  /** What it was told. */
  message: string
}

/** @param events about its pod */
export function probeThatEnded(
  { name }: ContainerFacts,
  { startedAt, finishedAt, exitCode }: Terminated,
  events: readonly EventFacts[],
): EndingProbe | undefined {
  // What failed in an earlier run, or long before the end, has nothing to do with it.
  const since = Math.max(startedAt, finishedAt - GRACE_MS) - SECOND
  const own = ofContainer(events, name).filter(({ at }) => at >= since)
  const failed = latest(own, (event) => event.reason === 'Unhealthy' && FAILED.test(event.message))
  const killed = latest(own, ({ reason, message }) => reason === 'Killing' && KILLED.test(message))
  if (killed === undefined && !ENDED_BY_OTHERS.has(exitCode)) return undefined
  const [, kind] = KILLED.exec(killed?.message ?? '') ?? FAILED.exec(failed?.message ?? '') ?? []
  if (kind === undefined) return undefined
  const message = failed?.message.replace(FAILED, '') ?? 'it failed'
  return { kind: kind.toLowerCase() as EndingProbe['kind'], message }
}

const FAILED = /^(Liveness|Startup) probe (?:failed|errored)[^:]*: /
const KILLED = /failed (liveness|startup) probe/

/** @param restartLimit that many restarts count, also while the container runs again */
export function crashOf(
  container: ContainerFacts,
  events: readonly EventFacts[],
  restartLimit: number,
): Omit<Finding, 'object'> | undefined {
  const ended = container.terminated ?? container.last
  const looping = container.waiting?.reason === 'CrashLoopBackOff'
  if (ended === undefined || container.ready || (!looping && container.restarts < restartLimit))
    return undefined
  const outOfMemory = ended.reason === 'OOMKilled'
  const probe = outOfMemory ? undefined : probeThatEnded(container, ended, events)
  if (ended.exitCode === 0 && !looping && probe === undefined) return undefined
  const base = { message: exitMessage(ended, probe), exitCode: ended.exitCode, at: ended.finishedAt }
  if (outOfMemory) {
    const advice =
      'raise the memory limit, or find what the new version keeps in memory: kubectl describe pod NAME'
    return { ...base, code: 'OUT_OF_MEMORY', reason: 'OOMKilled', advice }
  }
  const code = container.init && !container.sidecar ? 'INIT_FAILING' : 'CRASH_LOOP'
  const reason = looping ? 'CrashLoopBackOff' : ended.reason
  return { ...base, code, reason, advice: probe ? probeAdvice(probe) : crashAdvice(ended) }
}

export function probeAdvice({ kind }: Pick<EndingProbe, 'kind'>): string {
  return kind === 'startup'
    ? 'it does not start in time: emr logs ENV SERVICE; if it is only slow, raise failureThreshold of its startup probe'
    : 'its liveness probe ends it: emr logs ENV SERVICE --previous; if it is only slow, raise timeoutSeconds and failureThreshold'
}

function crashAdvice({ exitCode, message }: Terminated): string {
  if (/exec format error/.test(message)) return OTHER_PROCESSOR
  if (exitCode === 126 || exitCode === 127)
    return "mend the image's command, which cannot be started: kubectl describe pod NAME"
  if (exitCode === 137)
    return 'not the program ended it: look at its liveness probe, and at the memory of its node (kubectl describe node NODE)'
  if (exitCode === 143)
    return 'not the program ended it: look at its liveness and startup probes (kubectl describe pod NAME)'
  if (exitCode === 0)
    return 'the program ends by itself, and a service must keep running: emr logs ENV SERVICE --previous'
  return 'read the last log lines (emr logs ENV SERVICE --previous): the program itself ends'
}

/** Codes above 128 are signals by the shell's convention (128 + signal number). */
export function exitMessage(ended: Terminated, probe: EndingProbe | undefined): string {
  const meaning: Record<number, string> = {
    126: 'the command cannot be run',
    127: 'the command does not exist',
    137: ended.reason === 'OOMKilled' ? 'killed at its memory limit' : 'killed (SIGKILL)',
    139: 'segmentation fault',
    143: 'ended by SIGTERM',
  }
  const words = probe ? `ended by its ${probe.kind} probe: ${probe.message}` : meaning[ended.exitCode]
  return `exit code ${ended.exitCode}${words ? ` (${words})` : ''}${ended.message ? `: ${ended.message}` : ''}`
}
