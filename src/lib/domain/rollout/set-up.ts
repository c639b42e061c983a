import type { Finding } from '../diagnosis/catalogue.ts'
import type { EventFacts, PodFacts } from './facts.ts'
import { latest } from './latest.ts'

/** A volume that is attached a moment late says the same once or twice. */
const SETTLING_MS = 30_000
const FAILURE = /^(FailedMount|FailedAttachVolume|FailedCreatePodSandBox)$/
/** What comes after volumes and sandbox: they are there. */
const BEYOND = /^(Pulling|Pulled|Created|Started)$/

/** What keeps a scheduled pod from starting. @param events about it @param now epoch milliseconds */
export function setUpFinding(pod: PodFacts, events: readonly EventFacts[], now: number): Finding | undefined {
  if (pod.phase !== 'Pending' || pod.deleting || pod.node === undefined) return undefined
  const event = latest(events, ({ reason }) => FAILURE.test(reason) || BEYOND.test(reason))
  if (event === undefined || !FAILURE.test(event.reason) || now - pod.createdAt < SETTLING_MS)
    return undefined
  const { reason, message, at } = event
  const sandbox = reason === 'FailedCreatePodSandBox'
  const code = sandbox ? 'SANDBOX_FAILING' : 'VOLUME_FAILING'
  const object = { kind: 'Pod', name: pod.name, uid: pod.uid }
  return { code, object, reason, message, field: 'event', at, advice: setUpAdvice(message, sandbox) }
}

function setUpAdvice(message: string, sandbox: boolean): string {
  if (/failed to assign an IP address|no available IP|InsufficientFreeAddresses/i.test(message)) {
    return "the subnet has no address left: add a subnet, or turn on prefix delegation; those left: aws ec2 describe-subnets --query 'Subnets[].[SubnetId,AvailableIpAddressCount]'"
  }
  if (sandbox)
    return 'look at the VPC CNI (aws-node) on that node: kubectl --namespace kube-system get pods --field-selector spec.nodeName=NODE'
  if (/Multi-Attach/.test(message))
    return 'the volume is still attached to another node: wait, or detach it; where it is: kubectl get volumeattachments'
  return 'look at the volume, its driver and its access rights: kubectl describe pvc'
}
