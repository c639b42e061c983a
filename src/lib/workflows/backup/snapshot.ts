import type { ListrTask } from 'listr2'
import type { RdsSnapshot, RdsSnapshots } from '../../adapters/aws/rds-snapshots.ts'
import { afterChange } from '../../errors.ts'

export interface SnapshotRequest {
  environment: string
  instance: string
  /** Identifier of the snapshot and of its copy. */
  id: string
  tags: Record<string, string>
  kmsKeyId?: string
}

export interface SnapshotResult {
  environment: string
  snapshot: RdsSnapshot
  copy: RdsSnapshot | null
}

type Snapshots = Pick<RdsSnapshots, keyof RdsSnapshots>

/** A snapshot of the instance, then its copy in another region where one is wanted. */
export function snapshotTasks(
  request: SnapshotRequest,
  here: Snapshots,
  there: Snapshots | undefined,
  signal: AbortSignal,
): { tasks: ListrTask[]; result: () => SnapshotResult } {
  const { environment, instance, id, tags, kmsKeyId } = request
  const made: { snapshot?: RdsSnapshot; copy?: RdsSnapshot } = {}
  const tasks: ListrTask[] = [
    {
      title: `Snapshot ${id} of ${instance}`,
      task: async (_context, task) => {
        await here.create(instance, id, tags, signal)
        made.snapshot = await afterChange(`the snapshot ${id} was requested`, () =>
          here.wait(id, percentTo(task), signal),
        )
      },
    },
    {
      title: 'Copy it to the other region',
      enabled: there !== undefined,
      task: async (_context, task) => {
        if (!there || !made.snapshot || kmsKeyId === undefined) return
        const { snapshot } = made
        made.copy = await afterChange(`the snapshot ${id} is available`, async () => {
          await there.copy(snapshot, kmsKeyId, tags, signal)
          return there.wait(id, percentTo(task), signal)
        })
      },
    },
  ]
  const result = () => {
    if (!made.snapshot) throw new Error('the snapshot was not made')
    return { environment, snapshot: made.snapshot, copy: made.copy ?? null }
  }
  return { tasks, result }
}

function percentTo(task: { output: string }): (percent: number) => void {
  let shown = -1
  return (percent) => {
    if (percent === shown) return
    shown = percent
    task.output = `${percent} %`
  }
}
