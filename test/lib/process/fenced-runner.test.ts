import { expect, test } from 'vitest'
import type { Command } from '../../../src/lib/process/command.ts'
import { FencedRunner } from '../../../src/lib/process/fenced-runner.ts'

test('a program that writes does not run once the fence is down; one that reads does', async () => {
  const ran: string[] = []
  const run = async ({ file }: Command) => {
    ran.push(file)
    return { exitCode: 0, stdout: '', stderr: '' }
  }
  let held = true
  const fenced = new FencedRunner({ run }, async () => {
    if (!held) throw new Error('the lock was lost')
  })
  const write: Command = { file: 'write', args: [], effect: 'write' }
  await fenced.run(write)
  held = false
  await expect(fenced.run(write)).rejects.toThrow('the lock was lost')
  await fenced.run({ file: 'read', args: [], effect: 'read' })
  expect(ran).toEqual(['write', 'read'])
})
