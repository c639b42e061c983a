import { createHash } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Command } from '../../../src/lib/process/command.ts'
import { startPipeline } from '../../../src/lib/process/pipeline.ts'

const never = new AbortController().signal
const program = (file: string, ...args: string[]): Command => ({ file, args, effect: 'read' })
const node = (script: string) => program(process.execPath, '-e', script)

test('the output of a program that has exited before anybody reads is all there', async () => {
  const run = startPipeline([node(`process.stdout.write('x'.repeat(100000))`)], never)
  await run.done
  await delay(20)
  expect((await text(run.stdout)).length).toBe(100_000)
})

test('more than any buffer holds waits for its reader', async () => {
  const script = `const b = Buffer.alloc(65536, 'y'); const { writeSync } = require('node:fs'); for (let n = 0; n < 160; n += 1) writeSync(1, b)`
  const run = startPipeline([node(script), program('cat')], never)
  await delay(300)
  const hash = createHash('sha256')
  for await (const chunk of run.stdout) hash.update(chunk as Buffer)
  await run.done
  expect(hash.digest('hex')).toBe(
    createHash('sha256')
      .update('y'.repeat(160 * 65536))
      .digest('hex'),
  )
})

test('the program that failed is named, not those that lost their reader or their writer', async () => {
  const run = startPipeline([program('yes'), node(`process.stderr.write('no more'); process.exit(3)`)], never)
  run.stdout.resume()
  await expect(run.done).rejects.toThrow(/exited with 3: no more/)
  const first = startPipeline([node('process.exit(4)'), program('cat')], never)
  first.stdout.resume()
  await expect(first.done).rejects.toThrow(/exited with 4/)
})

test('a program that is not there, and one that is stopped', async () => {
  const missing = startPipeline([program('/no/such/program')], never)
  missing.stdout.on('error', () => {})
  await expect(missing.done).rejects.toThrow(/could not be started/)
  const stop = new AbortController()
  const endless = startPipeline([program('yes'), program('cat')], stop.signal)
  stop.abort()
  await expect(endless.done).rejects.toMatchObject({ code: 'INTERRUPTED' })
})
