import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { Config } from '@oclif/core'
import { expect, test } from 'vitest'
import { helpTexts } from '../../scripts/help.ts'
import { COMMANDS } from '../../src/commands/index.ts'

test('the help of a topic lists its commands', async () => {
  const pjson = structuredClone(createRequire(import.meta.url)('../../package.json'))
  pjson.oclif.commands.target = './src/main.ts'
  const config = await Config.load({ root: resolve(import.meta.dirname, '../..'), pjson })
  const texts = await helpTexts(config)
  const grouped = Object.entries(COMMANDS).filter(([id, { hidden }]) => id.includes(':') && !hidden)
  expect(grouped.length).toBeGreaterThan(0)
  for (const [id, { summary }] of grouped) {
    expect(texts[id.split(':')[0] ?? '']).toMatch(new RegExp(`^  ${id.replace(':', ' ')} +${summary}$`, 'm'))
  }
})
