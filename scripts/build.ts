/** Writes what the built program reads instead of loading commands: oclif's manifest and the finished help texts. */
import { writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { Config, Plugin } from '@oclif/core'
import { helpTexts } from './help.ts'

const root = resolve(import.meta.dirname, '..')
const plugin = new Plugin({ root, type: 'core', ignoreManifest: true, errorOnManifestCreate: true })
await plugin.load()
await writeFile(join(root, 'oclif.manifest.json'), `${JSON.stringify(plugin.manifest)}\n`)

const pjson = createRequire(import.meta.url)('../package.json')
const config = await Config.load({ root, pjson })
const texts = { ...(await helpTexts(config)), '--version': `${config.userAgent}\n` }
await writeFile(join(root, 'dist', 'help.json'), `${JSON.stringify(texts)}\n`)
