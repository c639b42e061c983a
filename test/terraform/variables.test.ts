import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { MODULE } from '../support/terraform.ts'

const text = readFileSync(join(MODULE, 'variables.tf'), 'utf8')
const blocks = new Map(
  [...text.matchAll(/^variable "(\w+)" \{\n(.*?)^\}/gms)].map(([, name = '', body = '']) => [name, body]),
)
const runs = readdirSync(join(MODULE, 'tests'))
  .filter((file) => file.endsWith('.tftest.hcl'))
  .map((file) => readFileSync(join(MODULE, 'tests', file), 'utf8'))
  .join('\n')

const messages = (body: string) =>
  [...body.matchAll(/error_message = "((?:[^"\\]|\\.)*)"/g)].map(([, message = '']) => message)

/** Type says it all: true or false. */
const isSwitch = (body: string) => /type\s+= bool/.test(body)

describe('the variables of the module', () => {
  test('are all read by this test', () => {
    expect(blocks.size).toBe(text.match(/^variable "/gm)?.length)
    expect(blocks.size).toBeGreaterThan(30)
  })

  test.each([...blocks])('%s is described, checked, and its message says what to write', (name, body) => {
    expect(body).toMatch(/^ {2}description = ".{10,}"$/m)
    expect(body).toMatch(/^ {2}type\s+= \S/m)
    // A null would pass every check that compares; where it is allowed, the description says so.
    if (!/^ {2}nullable\s+= false$/m.test(body)) expect(body).toMatch(/description = ".*null/)
    if (isSwitch(body)) return
    expect(messages(body).length).toBe(body.match(/^ {2}validation \{/gm)?.length)
    for (const message of messages(body)) {
      expect(message).toContain(name)
      expect(message).toMatch(/\bmust\b|\bmay name\b/)
    }
    // A mistake that it catches is one of the module's own tests.
    expect(runs).toMatch(new RegExp(`expect_failures = \\[[^\\]]*\\bvar\\.${name}\\b`))
  })
})
