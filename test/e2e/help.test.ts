import { spawnSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { COMMANDS } from '../../src/commands/index.ts'

const root = resolve(import.meta.dirname, '../..')
const output = (program: string, words: string[]) =>
  spawnSync(process.execPath, [join(root, 'bin', program), ...words], { encoding: 'utf8' }).stdout

const commands = Object.keys(COMMANDS).map((id) => id.split(':'))
const topics = [...new Set(commands.filter(({ length }) => length > 1).map(([topic = '']) => topic))]

/** bin/run.js prints texts that were made by the build; bin/dev.js lets oclif make them now. */
test.each([
  ['--version'],
  ['--help'],
  ...topics.map((topic) => [topic, '--help']),
  ['deploy', '--help'],
  ['help', 'sandbox', 'start'],
])('the finished text of %s %s is the one that oclif makes', (...words) => {
  expect(output('run.js', words)).toBe(output('dev.js', words))
  expect(output('run.js', words)).not.toBe('')
})
