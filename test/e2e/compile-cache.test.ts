import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, statSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../support/project.ts'

const program = resolve(import.meta.dirname, '../../bin/run.js')

/** @returns the folder of the cache */
function runWith(prepare: (folder: string) => void): string {
  const base = temporaryFolder({ 'emr.config.yaml': 'services: {}\nenvironments: {}\n' })
  const folder = join(base, 'emr/compiled')
  prepare(folder)
  const env = { ...process.env, XDG_CACHE_HOME: base, NODE_COMPILE_CACHE: undefined }
  execFileSync(process.execPath, [program, 'config', 'validate'], { cwd: base, env, stdio: 'ignore' })
  return folder
}

test('compiled code is kept in a folder that is the user’s alone', () => {
  const folder = runWith(() => undefined)
  expect(statSync(folder).mode & 0o777).toBe(0o700)
  expect(readdirSync(folder)).not.toEqual([])
})

test('a folder that others can write to is not used', () => {
  const folder = runWith((path) => {
    mkdirSync(path, { recursive: true })
    chmodSync(path, 0o777)
  })
  expect(readdirSync(folder)).toEqual([])
})

test('a link to another folder is not used', () => {
  const elsewhere = temporaryFolder({})
  runWith((path) => {
    mkdirSync(join(path, '..'), { recursive: true })
    symlinkSync(elsewhere, path)
  })
  expect(readdirSync(elsewhere)).toEqual([])
})
