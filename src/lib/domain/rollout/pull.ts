import type { Finding } from '../diagnosis/catalogue.ts'
import { repositoryOf } from '../image.ts'
import type { ContainerFacts, EventFacts } from './facts.ts'
import { latest, ofContainer } from './latest.ts'

export const PULL_REASONS = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'RegistryUnavailable',
  'ImageInspectError',
])
/** How registries and containerd say that a tag or a repository does not exist. */
const NOT_FOUND = /not found|manifest unknown|name unknown|no match for platform/i
export const OTHER_PROCESSOR =
  'the image is built for another processor: build it for amd64; that of the nodes: kubectl get nodes --label-columns kubernetes.io/arch'

export function pullFinding(
  container: ContainerFacts,
  waiting: { reason: string; message: string },
  events: readonly EventFacts[],
): Omit<Finding, 'object'> {
  // While it backs off, older kubelets say only that; the registry's words are in the last event.
  const event = latest(
    ofContainer(events, container.name),
    (each) => each.reason === 'Failed' && each.message.startsWith('Failed to pull image'),
  )
  const message = waiting.reason === 'ImagePullBackOff' && event ? event.message : waiting.message
  const when = event && { at: event.at }
  if (NOT_FOUND.test(message)) {
    const advice = /no match for platform/.test(message)
      ? OTHER_PROCESSOR
      : `no such image '${container.image}': deploy a tag that was pushed; emr history ENV lists those that ran`
    return { code: 'IMAGE_NOT_FOUND', reason: waiting.reason, message, advice, ...when }
  }
  const advice = pullAdvice(message, container.image)
  return { code: 'IMAGE_PULL_FAILING', reason: waiting.reason, message, advice, ...when }
}

function pullAdvice(message: string, image: string): string {
  if (/toomanyrequests|429|QPS exceeded|rate limit/i.test(message)) {
    return 'the registry throttles, so wait: emr monitor ENV --until healthy; or pull through a cache'
  }
  if (/unauthorized|denied|forbidden|no basic auth|403|401/i.test(message)) {
    return `the nodes may not pull this image: check the node role and the repository's policy: aws ecr get-repository-policy --repository-name ${repositoryOf(image)}`
  }
  if (/no such host|i\/o timeout|deadline exceeded|handshake|connection refused/i.test(message)) {
    return 'the registry cannot be reached from the nodes: check the VPC endpoints, DNS and security groups; was one of Terraform changed? emr deploy ENV --dry-run'
  }
  return 'look at the registry; all that it said: kubectl describe pod NAME'
}
