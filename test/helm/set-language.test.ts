import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { settingsOf } from '../../src/lib/domain/set-language.ts'
import { helmBinary, helmMajors } from '../support/binaries.ts'

const FILES = {
  'Chart.yaml': 'apiVersion: v2\nname: values\nversion: 1.0.0\n',
  'values.yaml': 'a: {b: 1, list: [p, q]}\n',
  'templates/values.yaml':
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: v}\ndata: {v: {{ .Values | toJson | quote }}}\n',
}
let chart: string
beforeAll(async () => {
  chart = await mkdtemp(join(tmpdir(), 'emr-set-'))
  await mkdir(join(chart, 'templates'))
  for (const [name, content] of Object.entries(FILES)) await writeFile(join(chart, name), content)
})
afterAll(() => rm(chart, { recursive: true, force: true }))

/** The values that helm makes of these arguments of --set. */
async function values(helm: string, ...texts: string[]): Promise<unknown> {
  const args = ['template', 'v', chart, ...texts.flatMap((text) => ['--set', text])]
  const { stdout } = await promisify(execFile)(helm, args)
  return JSON.parse(JSON.parse(/v: (".*")/.exec(stdout)?.[1] ?? ''))
}

const TAKEN: [text: string, values: object][] = [
  ['a.b=2', { b: 2 }],
  ['a.b=true', { b: true }],
  ['a.b=', { b: '' }],
  ['a.b=null', { b: undefined }],
  ['a.b=x=y', { b: 'x=y' }],
  [String.raw`a.b=DOMAIN\\svc`, { b: String.raw`DOMAIN\svc` }],
  [String.raw`a.b=1\,2`, { b: '1,2' }],
  ['a.b={https://a.example,https://b.example}', { b: ['https://a.example', 'https://b.example'] }],
  ['a.b={}', { b: [''] }],
  [String.raw`a.example\.com/team=x`, { 'example.com/team': 'x' }],
  ['a.list[1]=z', { list: [null, 'z'] }],
  ['a.new[0].name=z', { new: [{ name: 'z' }] }],
  ['a.b=2,a.c={p,q},a.d=3', { b: 2, c: ['p', 'q'], d: 3 }],
]

describe.each(helmMajors)('settings as helm %s takes them', (major) => {
  test.each(TAKEN)('%s', async (text, expected) => {
    const helm = await helmBinary(major)
    const settings = settingsOf(text)
    if (typeof settings === 'string') throw new Error(settings)
    const typed = await values(helm, text)
    expect(typed).toEqual({ a: { b: 1, list: ['p', 'q'], ...expected } })
    // What emr hands on, one by one, is the same.
    expect(await values(helm, ...settings.map(({ key, value }) => `${key}=${value}`))).toEqual(typed)
  })
})

test.each([
  [String.raw`a.b=DOMAIN\svc`, 'drops the backslash'],
  ['a.b=x\\', 'drops the backslash'],
  ['a.b=1,2', "'2' has no value"],
  ['a.b={x,y', 'has to end with }'],
  ['a.b={x}y', 'a comma is expected'],
  ['=x', 'not a path'],
  ['a..b=x', 'not a path'],
  ['a b=x', 'not a path'],
  ['a[x]=1', 'not a path'],
])('%s is refused: %s', (text, why) => {
  expect(settingsOf(text)).toEqual(expect.stringContaining(why))
})
