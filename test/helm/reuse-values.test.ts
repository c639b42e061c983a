import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { helmMajors } from '../support/binaries.ts'
import { helmFolder } from './charts.ts'
import { ofKind } from './objects.ts'
import { environmentFile, render } from './render.ts'

/*
 * `helm upgrade --reuse-values` puts the values that the release was made with in the place of the new chart's
 * values.yaml, then imports the library's defaults beneath them. Without a cluster there is no release, so these tests
 * do the first half themselves: https://github.com/helm/helm/blob/main/pkg/action/upgrade.go (reuseValues).
 */
const service = 'api-gateway'
const environment = 'production'
let charts: string

beforeAll(async () => {
  charts = await mkdtemp(join(tmpdir(), 'emr-reuse-values-'))
  await cp(join(helmFolder, service), join(charts, service), { recursive: true })
  const values = await releaseValues()
  // as an older library would have left them: without the image of `helm test`, added since
  const { test: _added, ...older } = values
  await writeFile(join(charts, service, 'values.yaml'), stringify(older))
})
afterAll(() => rm(charts, { recursive: true, force: true }))

/** All values that a first installation renders with, as helm stores them in the release. */
async function releaseValues(): Promise<Record<string, unknown>> {
  const template = join(charts, service, 'templates', 'values.yaml')
  await writeFile(template, '{{ toYaml .Values }}')
  const args = [...environmentFile(service, environment), '--show-only', 'templates/values.yaml']
  const { text } = await render({ service, environment, charts, args })
  await rm(template)
  return parse(text) as Record<string, unknown>
}

test.each(helmMajors)('an upgrade that reuses values changes what it sets, with helm %s', async (major) => {
  const first = await render({ service, environment, major })
  const args = ['--set', 'config.rateLimit.max=200']
  const second = await render({ service, environment, major, charts, args })
  const old = first.text.split('\n')
  const changed = second.text.split('\n').filter((line, index) => line !== old[index])
  expect(changed.map((line) => line.trim().split(': ')[0])).toEqual(['RATE_LIMIT_MAX', 'checksum/config'])
})

test.each(helmMajors)('a default that the library gained reaches it too, with helm %s', async (major) => {
  const { objects } = await render({ service, environment, major, charts, args: [] })
  const image = ofKind(objects, 'Pod')[0]?.spec?.containers[0]?.image
  expect(image).toMatch(/busybox:/)
})
