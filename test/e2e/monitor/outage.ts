import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, vi } from 'vitest'
import { Terminal } from '../../support/tmux.ts'
import { jsonLines, openProject } from '../project.ts'
import { changesIn, expectWhole, type Told } from './told.ts'

const root = resolve(import.meta.dirname, '../../..')
const OUTAGE_SECONDS = 30

/**
 * The API server is away for half a minute in the middle of a roll-out, which its controllers finish meanwhile: watched
 * on a terminal and through a pipe. On a sandbox of its own, so that it can go on beside other tests.
 */
export async function surviveOutage(): Promise<void> {
  const chart = `${root}/helm/task-service`
  const env = { EMR_ENVIRONMENT: 'e2e' }
  const project = await openProject({ services: { 'task-service': { chart } }, env })
  const terminal = new Terminal(project.folder, env)
  try {
    expect((await project.emr('deploy', '--skip-smoke-tests')).code).toBe(0)
    terminal.enter(`${process.execPath} ${root}/bin/run.js monitor --watch`)
    const watching = project.start('monitor', '--watch', '--output', 'ndjson')
    const told = jsonLines<Told>(watching)
    await terminal.shows(/task-service +✔ ready +2\/2 +1\.0\.0/)
    await vi.waitFor(() => expect(told).not.toEqual([]), { timeout: 30_000 })

    const image = 'task-service=emr-platform/task-service:1.0.1-slow'
    await project.kubectl('set', 'image', 'deployment/task-service', image, '-n', project.namespaceOf('e2e'))
    const faults = project.faults()
    await faults.silence(OUTAGE_SECONDS)
    faults.close()
    const since = Date.now()
    await terminal.shows(/STALE.*reconnecting/)
    await delay(OUTAGE_SECONDS * 1000 - 3_000 - (Date.now() - since))
    expect(terminal.screen()).toMatch(/STALE.*reconnecting/)

    const screen = await terminal.shows(
      /e2e +✔ healthy[\s\S]*task-service +✔ ready +2\/2 +1\.0\.1-slow/,
      60_000,
    )
    expect(screen.match(/^. task-service +✔ ready /gm)).toHaveLength(1)
    expect(screen.match(/^ *ip-10-0-\S+ /gm)).toHaveLength(3)
    expect(screen).not.toContain('STALE')

    await vi.waitFor(() => expect(changesIn(told, 'service').at(-1)?.after).toBe('ready 2/2 1.0.1-slow'), {
      timeout: 30_000,
    })
    await expectWhole(told, project)
    const pods = changesIn(told, 'source', 'pods').map(({ after }) => after?.split(':')[0])
    expect([...new Set(pods)]).toEqual(['stale', 'ok'])
    expect(pods.at(-1)).toBe('ok')
    watching.child.kill('SIGINT')
    expect(await watching.ended).toMatchObject({ code: 130, stderr: expect.not.stringContaining('Warning') })
  } finally {
    terminal.close()
    await project.close()
  }
}
