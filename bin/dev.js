#!/usr/bin/env node
// Runs the TypeScript as it stands, without a build; Node strips the types.
'use strict'

const path = require('node:path')
const root = path.dirname(__dirname)
const pjson = require('../package.json')
pjson.oclif.commands.target = './src/main.ts'
import('../src/main.ts').then(({ main }) => main(process.argv.slice(2), root, pjson))
