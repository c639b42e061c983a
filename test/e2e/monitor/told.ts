import { expect, vi } from 'vitest'
import { type Change, changesBetween } from '../../../src/lib/domain/monitor/changes.ts'
import type { Picture } from '../../../src/lib/domain/monitor/picture.ts'
import type { Project } from '../project.ts'

/** A line of `emr monitor --watch --output ndjson`. */
export type Told = (Change & { type: 'change' }) | (Picture & { type: 'picture' })

/** Those of one kind, after the first picture. */
export function changesIn(told: Told[], subject: Change['subject'], name?: string): Change[] {
  return told.flatMap((each) => {
    return each.type === 'change' && each.subject === subject && each.name === (name ?? each.name)
      ? [each]
      : []
  })
}

const noPods = () => new Map<string, string>()

/**
 * No row was doubled or missed: each change goes on from where the one before it of the same row ended, and all of them
 * lead to the rows that a new picture has.
 */
export async function expectWhole(told: Told[], project: Project): Promise<void> {
  await vi.waitFor(
    async () => {
      const picture: Picture = JSON.parse((await project.emr('monitor', '--json')).stdout)
      expect(replayed(told)).toEqual(rowsOf(changesBetween(undefined, picture, noPods)))
    },
    { timeout: 30_000, interval: 500 },
  )
}

function replayed(told: Told[]): string[] {
  const rows = new Map<string, string>()
  const take = ({ subject, name, before, after }: Change) => {
    const row = `${subject} ${name}`
    expect(rows.get(row), `${row} before it became ${after}`).toBe(before)
    // Pods that are well have no row.
    if (after === undefined || (subject === 'pod' && (after === 'ready' || after === 'Succeeded')))
      rows.delete(row)
    else rows.set(row, after)
  }
  for (const each of told) {
    const changes = each.type === 'picture' ? changesBetween(undefined, each, noPods) : [each]
    for (const change of changes) if (change.subject !== 'source') take(change)
  }
  return [...rows].map(([row, text]) => `${row}: ${text}`).sort()
}

function rowsOf(changes: Change[]): string[] {
  return changes
    .filter(({ subject }) => subject !== 'source')
    .map(({ subject, name, after }) => `${subject} ${name}: ${after}`)
    .sort()
}
