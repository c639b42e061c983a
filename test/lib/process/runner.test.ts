import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { InterruptedError } from '../../../src/lib/errors.ts'
import { type Command, commandLine, redact } from '../../../src/lib/process/command.ts'
import { ProcessRunner, ToolError } from '../../../src/lib/process/runner.ts'
import { isRunning } from '../../support/processes.ts'

const runner = new ProcessRunner()
const node = (script: string, rest: Partial<Command> = {}): Command => ({
  file: process.execPath,
  args: ['-e', script],
  effect: 'read',
  ...rest,
})

describe('a program that ends', () => {
  test('gives its output', async () => {
    const result = await runner.run(node('process.stdin.pipe(process.stdout)', { stdin: 'hello' }))
    expect(result).toEqual({ exitCode: 0, stdout: 'hello', stderr: '' })
  })
  test('with an error throws what it said, without secrets', async () => {
    const command = node('console.error("password is hunter2"); process.exit(3)', { redact: ['hunter2'] })
    const error = await runner.run(command).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ToolError)
    expect(error).toMatchObject({ exitCode: 5, result: { exitCode: 3, stderr: 'password is ***\n' } })
    expect(JSON.stringify(error)).not.toContain('hunter2')
    expect((error as Error).message).not.toContain('hunter2')
  })
  test('that does not exist says so', async () => {
    await expect(runner.run({ file: '/no/such/tool', args: ['x'], effect: 'read' })).rejects.toThrow(
      /\/no\/such\/tool x could not be started.*ENOENT/s,
    )
  })
  test('gives its lines as they come, redacted', async () => {
    const lines: string[] = []
    const command = node('console.log("a\\nkey=s3cret")', { redact: ['s3cret'] })
    await runner.run(command, { onLine: (line) => lines.push(line) })
    expect(lines).toEqual(['a', 'key=***'])
  })
})

describe('a program that is stopped', () => {
  /** Counts its SIGINTs, and ends 200 ms after the first. */
  const patient = `
    let count = 0
    process.on('SIGINT', () => { count += 1; setTimeout(() => { console.log('SIGINTs ' + count); process.exit(0) }, 200) })
    console.log('ready'); setInterval(() => {}, 1000)`

  test('gets exactly one SIGINT and may finish', async () => {
    const stop = new AbortController()
    const lines: string[] = []
    const run = runner.run(node(patient), {
      signal: stop.signal,
      onLine: (line) => {
        lines.push(line)
        if (line === 'ready') stop.abort(new InterruptedError('Interrupted by SIGTERM'))
      },
    })
    await expect(run).rejects.toThrow('Interrupted by SIGTERM')
    expect(lines).toEqual(['ready', 'SIGINTs 1'])
  })
  test('is killed with all its children when it does not end', async () => {
    const stop = new AbortController()
    let child = 0
    const stubborn = `
      const { spawn } = require('node:child_process')
      process.on('SIGINT', () => {})
      const child = spawn(process.execPath, ['-e', 'process.on("SIGINT", () => {}); setInterval(() => {}, 1000)'])
      console.log(child.pid); setInterval(() => {}, 1000)`
    const run = runner.run(node(stubborn, { graceMs: 50 }), {
      signal: stop.signal,
      onLine: (line) => {
        child = Number(line)
        stop.abort()
      },
    })
    await expect(run).rejects.toBeInstanceOf(InterruptedError)
    await expect.poll(() => isRunning(child)).toBe(false)
  })
  test('at its time limit says so', async () => {
    const command = node('setInterval(() => {}, 1000)', { timeoutMs: 50, graceMs: 50 })
    await expect(runner.run(command)).rejects.toThrow('did not end within 50 ms')
  })
  test('before it began is not started', async () => {
    await expect(
      runner.run(node('1'), { signal: AbortSignal.abort(new InterruptedError()) }),
    ).rejects.toThrow('Interrupted')
  })
  test('leaves no timer behind that would keep this process alive', async () => {
    await runner.run(node('1'))
    await delay(0)
    expect(process.getActiveResourcesInfo()).not.toContain('ProcessWrap')
  })
})

test('a command line can be pasted into a shell and hides secrets', () => {
  const command = { file: 'helm', args: ['--set', "a=b c'd", '--token', 'abc'], redact: ['abc'] }
  expect(commandLine(command)).toBe(`helm --set 'a=b c'\\''d' --token ***`)
})

test('an empty secret hides nothing', () => {
  expect(redact('text', [''])).toBe('text')
})
