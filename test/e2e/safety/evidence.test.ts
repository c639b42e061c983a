import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openProject, type Project } from '../project.ts'

const charts = resolve(import.meta.dirname, '../../../helm')
const services = { 'task-service': { chart: join(charts, 'task-service') } }

/** What can be in the way of the evidence: each makes the folder unusable, and gives how to undo it. */
const OBSTACLES: { what: string; put: (folder: string) => (() => void) | undefined; says: RegExp }[] = [
  {
    what: 'a file in place of the folder',
    put: (folder) => {
      writeFileSync(folder, '')
      return () => rmSync(folder)
    },
    says: /there is a file where a folder is needed|a part of the path is a file/,
  },
  { what: 'a full disk', put: (folder) => mounted(folder, 'size=4k,nr_inodes=1'), says: /no space left/ },
  { what: 'a read-only file system', put: (folder) => mounted(folder, 'ro'), says: /read-only/ },
]

/** @returns undefined where this user may not mount */
function mounted(folder: string, options: string): (() => void) | undefined {
  mkdirSync(folder, { recursive: true })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'ignore' })
  } catch {
    rmSync(folder, { recursive: true })
    return undefined
  }
  return () => {
    execFileSync('umount', [folder])
    rmSync(folder, { recursive: true })
  }
}

describe('evidence that cannot be written', () => {
  let project: Project
  beforeAll(async () => {
    project = await openProject({ services })
    const { code, stderr } = await project.emr('deploy', 'e2e', '--tag', 'v1')
    expect(code, stderr).toBe(0)
  }, 120_000)
  afterAll(() => project?.close())

  const image = async () => {
    const where = ['-n', project.namespaceOf('e2e')]
    const path = 'jsonpath={.spec.template.spec.containers[0].image}'
    return (await project.kubectl('get', 'deployment', 'task-service', '-o', path, ...where)).stdout
  }
  const newestSet = async () => JSON.parse((await project.emr('history', 'e2e', '--json')).stdout).sets[0]

  test.each(OBSTACLES)(
    'because of $what: a deploy still rolls back, and says both',
    async ({ put, says }) => {
      const clear = put(join(project.folder, '.emr/diagnostics'))
      // Only root may mount.
      if (clear === undefined) return
      try {
        const { code, stdout, stderr } = await project.emr('deploy', 'e2e', '--tag', 'v2-crashloop', '--json')
        expect(code, stderr).toBe(6)
        expect(stderr).toMatch(says)
        const { error } = JSON.parse(stdout)
        expect(error).toMatchObject({ code: 'ROLLED_BACK', details: { services: [{ outcome: 'failed' }] } })
        expect(error.details.reportingProblems.join()).toMatch(/^evidence could not be written/)
        expect(error.details).not.toHaveProperty('evidence')
        expect(await newestSet()).toMatchObject({ operation: 'deploy', outcome: 'rolled-back' })
        expect(await image()).toMatch(/:v1$/)
      } finally {
        clear()
      }
    },
    120_000,
  )

  test('a restart of pods that crash has failed, with the reason', async () => {
    const left = await project.emr('deploy', 'e2e', '--tag', 'v3-crashloop', '--no-rollback')
    expect(left.code, left.stderr).toBe(7)
    rmSync(join(project.folder, '.emr/diagnostics'), { recursive: true })
    const clear = OBSTACLES[0]?.put(join(project.folder, '.emr/diagnostics'))
    const { code, stderr } = await project.emr('restart', 'e2e', 'task-service')
    clear?.()
    expect(code, stderr).toBe(7)
    expect(stderr).toMatch(/task-service: .*crash/)
    expect(stderr).toMatch(/evidence +could not be written/)
    expect(await newestSet()).toMatchObject({ operation: 'restart', outcome: 'failed' })
  }, 120_000)
})
