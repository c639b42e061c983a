import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openProject, type Project } from './project.ts'

const program = resolve(import.meta.dirname, '../../bin/run.js')
let project: Project

beforeAll(async () => {
  project = await openProject()
})
afterAll(() => project.close())

test('global flags may stand before the command', async () => {
  const { code, stdout } = await project.emr('--no-color', '--json', 'config', 'show')
  expect({ code, file: JSON.parse(stdout).file }).toEqual({
    code: 0,
    file: join(project.folder, 'emr.config.yaml'),
  })
})

test.each(['destory', 'db-backup prnue', 'sandbox rest', 'unlok'])(
  'for %s, nothing is suggested that takes something away',
  async (words) => {
    const { code, stderr } = await project.emr(...words.split(' '))
    expect(code).toBe(2)
    expect(stderr).not.toMatch(/→ emr (destroy|unlock|.* (prune|restore|reset|stop))/)
  },
)

test('flags alone are no command', async () => {
  const { code, stderr } = await project.emr('--no-color')
  expect({ code, stderr }).toEqual({ code: 2, stderr: '✖ No command is named\n  → emr --help\n' })
})

test('a topic with flags is no command either; alone it shows its help', async () => {
  const { code, stdout } = await project.emr('sandbox', '--json')
  expect({ code, error: JSON.parse(stdout).error.message }).toEqual({
    code: 2,
    error: "No command of 'emr sandbox' is named",
  })
  expect((await project.emr('sandbox')).code).toBe(0)
})

test.each(['config show', '--help'])(
  'what %s says and cannot be stored is a failure, told in one line',
  async (words) => {
    const child = spawn(process.execPath, [program, ...words.split(' ')], {
      cwd: project.folder,
      stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'],
    })
    let stderr = ''
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      stderr += text
    })
    const [code] = await once(child, 'close')
    expect(code).toBe(1)
    expect(stderr).toBe('The output could not be written: ENOSPC: no space left on device, write\n')
  },
)

test('a state folder that cannot be made is named, and is no bug', async () => {
  const state = join(project.folder, '.emr')
  writeFileSync(state, '')
  const { code, stderr } = await project.emr('sandbox', 'start')
  expect(code).toBe(4)
  expect(stderr).toContain(`✖ ${state}/sandbox: a part of the path is a file, not a folder`)
})
