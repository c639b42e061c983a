import { shellLine } from '../command-line.ts'
import type { Environment } from '../environment.ts'

/** Where advice is followed. */
export interface Place {
  environment: Pick<Environment, 'name' | 'namespace' | 'aws'>
  /** kubectl with what leads it to the environment's cluster, whatever the current context is. */
  kubectl: string
  /** Nodes that take no new pods because somebody said so; undefined where they are not known. */
  cordoned?: string[]
}

interface Advised {
  object: { name: string }
  service?: string
  node?: string
  advice: string
  more?: Advised[]
  effects?: Advised[]
}

/** Brings back what the chart of a service says, and leaves what was added to it. */
export const DEPLOY = 'emr deploy ENV --services SERVICE'

/** What advice has in place of a name, and programs that have to be told where to work. */
const PLACEHOLDER =
  /\b(?:ENV|NAMESPACE|SERVICE|NAME|NODE|CORDONED|kubectl --namespace|kubectl(?= )|aws(?= [a-z]+ ))\b/g

/**
 * Advice whose commands can be typed as they stand. ENV and NAMESPACE in it are those of the environment, SERVICE and NODE
 * those of the finding, NAME is that of its object, and CORDONED are the nodes that are. kubectl gets the environment's
 * cluster, and its namespace where no other is named; the AWS CLI its region and profile.
 */
export function withNames<Found extends Advised>(
  finding: Found,
  place: Place,
  service = finding.service,
): Found {
  const { kubectl, cordoned = [] } = place
  const { name, namespace, aws } = place.environment
  const words: Record<string, string> = {
    ENV: name,
    NAMESPACE: namespace,
    SERVICE: service ?? '',
    NAME: shellLine([finding.object.name]),
    NODE: finding.node ?? 'NODE',
    CORDONED: shellLine(cordoned) || `NODE, as named by: ${kubectl} get nodes`,
    kubectl: `${kubectl} --namespace ${namespace}`,
    'kubectl --namespace': `${kubectl} --namespace`,
    aws: `aws${aws ? ` --region ${aws.region}` : ''}${aws?.profile ? ` --profile ${aws.profile}` : ''}`,
  }
  const { advice, more, effects } = finding
  // What belongs to no service is found where none is named.
  const own = service === undefined ? advice.replaceAll(/( --services)? SERVICE\b/g, '') : advice
  return {
    ...finding,
    advice: own.replaceAll(PLACEHOLDER, (word) => words[word] ?? word),
    ...(more && { more: more.map((each) => withNames(each, place, service)) }),
    ...(effects && { effects: effects.map((each) => withNames(each, place)) }),
  }
}
