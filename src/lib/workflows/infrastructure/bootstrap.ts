import type { ListrTask } from 'listr2'
import type { StatePart, StateStore } from '../../adapters/aws/state-store.ts'
import { afterChange } from '../../errors.ts'

export interface BootstrapStep {
  part: StatePart
  /** `missing` is what a dry run says of what it would make. */
  outcome: 'there' | 'made' | 'missing'
}

/** What is there, and what is not, in the order in which it is made. */
export async function inspectStore(store: Pick<StateStore, 'inspect'>): Promise<BootstrapStep[]> {
  const view = await store.inspect()
  return Object.entries(view).map(([part, there]) => ({
    part: part as StatePart,
    outcome: there ? 'there' : 'missing',
  }))
}

/** Makes what is missing, and marks it as made. Running it again changes nothing. */
export function bootstrapTasks(store: Pick<StateStore, 'make'>, steps: BootstrapStep[]): ListrTask[] {
  const made = () => steps.filter(({ outcome }) => outcome === 'made').map(({ part }) => partTitle(part))
  return steps
    .filter(({ outcome }) => outcome === 'missing')
    .map((step) => ({
      title: partTitle(step.part),
      task: async () => {
        const make = () => store.make(step.part)
        await (made().length > 0 ? afterChange(`made: ${made().join(', ')}`, make) : make())
        step.outcome = 'made'
      },
    }))
}

const TITLES: Record<StatePart, string> = {
  bucket: 'State bucket',
  versioning: 'Versioning of the bucket',
  encryption: 'Encryption of the bucket (KMS)',
  publicAccessBlock: 'Public access blocked',
  tlsOnlyPolicy: 'Policy: TLS only',
  lockTable: 'Lock table',
  pointInTimeRecovery: 'Point-in-time recovery of the table',
}

export function partTitle(part: StatePart): string {
  return TITLES[part]
}
