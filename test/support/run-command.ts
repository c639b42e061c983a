import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import type { Command } from '@oclif/core'
import { Config } from '@oclif/core'
import { vi } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const pjson = createRequire(import.meta.url)('../../package.json')
let config: Promise<Config> | undefined

export interface CommandRun {
  stdout: string
  stderr: string
  exitCode: number
}

/** Runs a command in this process, as oclif would, and gives what it wrote and how it ended. */
export async function runCommand(
  command: { run: (argv: string[], config: Config) => Promise<unknown> } & Pick<typeof Command, 'id'>,
  argv: string[],
): Promise<CommandRun> {
  config ??= Config.load({ root, pjson })
  const texts = { stdout: '', stderr: '' }
  const capture = (name: 'stdout' | 'stderr') =>
    vi.spyOn(process[name], 'write').mockImplementation((chunk) => {
      texts[name] += String(chunk)
      return true
    })
  const spies = [capture('stdout'), capture('stderr')]
  const before = process.exitCode
  process.exitCode = undefined
  try {
    await command.run(argv, await config)
    return { ...texts, exitCode: Number(process.exitCode ?? 0) }
  } finally {
    process.exitCode = before
    for (const spy of spies) spy.mockRestore()
  }
}
