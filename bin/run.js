#!/usr/bin/env node
// Plain old JavaScript, so that any Node can read as far as the version check.
'use strict'

var version = process.versions.node.split('.').map(Number)
if (version[0] < 22 || (version[0] === 22 && version[1] < 13)) {
  console.error(
    'emr needs Node.js 22.13 or newer; this is ' + process.version + ' (' + process.execPath + ').',
  )
  console.error(
    'Install a current Node.js, or run emr through npx in its checkout, which brings one: npx emr --help',
  )
  process.exit(4)
}

const { join } = require('node:path')
const root = join(__dirname, '..')
const words = process.argv.slice(2)

/** The texts of --help and --version were made when emr was built: printing them needs no framework. */
function finishedHelp() {
  const end = words.indexOf('--')
  const own = end < 0 ? words : words.slice(0, end)
  if (own.length === 1 && own[0] === '--version') return require('../dist/help.json')['--version']
  const asked = own[0] === 'help' || own.includes('--help') || own.includes('-h')
  if (!asked && own.length > 0) return undefined
  const typed = own.filter((word) => word !== 'help' && !word.startsWith('-')).join(' ')
  return require('../dist/help.json')[typed]
}

/**
 * Where compiled code is kept between runs: a folder of the user that nobody else can write to, since what is in it is run.
 * Node's own default lies in the temporary folder that all users share.
 */
function privateCache() {
  const { lstatSync, mkdirSync } = require('node:fs')
  try {
    const base = process.env.XDG_CACHE_HOME || join(require('node:os').homedir(), '.cache')
    const folder = join(base, 'emr', 'compiled')
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const found = lstatSync(folder)
    const isPrivate =
      process.getuid === undefined || (found.uid === process.getuid() && (found.mode & 0o77) === 0)
    return found.isDirectory() && isPrivate ? folder : undefined
  } catch {
    // Without one, emr starts more slowly.
    return undefined
  }
}

const help = finishedHelp()
if (help !== undefined) {
  process.stdout.on('error', (error) => {
    if (error.code === 'EPIPE') return
    console.error('The output could not be written: ' + error.message)
    process.exitCode = 1
  })
  process.stdout.write(
    help.replace(/\S+ node-v[\d.]+$/m, `${process.platform}-${process.arch} node-${process.version}`),
  )
} else {
  // A signal that comes while emr is being loaded waits until main listens.
  const hold = () => undefined
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const name of signals) process.on(name, hold)
  const cache = privateCache()
  if (cache !== undefined) require('node:module').enableCompileCache?.(cache)
  require('../dist/main.cjs').main(words, root)
  for (const name of signals) process.off(name, hold)
}
