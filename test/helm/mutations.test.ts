import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { helmFolder } from './charts.ts'
import { type Mutation, mutations } from './mutations.ts'
import { violations } from './policies/index.ts'
import { environmentFile, type Release, render } from './render.ts'
import { schemaFaults } from './schema/validate.ts'

let scratch: string
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'emr-mutations-'))
})
afterAll(() => rm(scratch, { recursive: true, force: true }))

const table = Object.entries(mutations).flatMap(([guard, list]) =>
  list.map((mutation, index) => ({
    guard,
    mutation,
    folder: `${guard}-${index}`,
    mistake: describe(mutation),
  })),
)

test.concurrent.each(table)('$guard notices $mistake', async ({ guard, mutation, folder }) => {
  const made = await renderMutated(mutation, join(scratch, folder))
  const schema = made.objects.flatMap(schemaFaults)
  const noticed = { ...violations(made), ...(schema.length > 0 && { schema }) }
  expect(Object.keys(noticed)).toContain(guard)
})

function describe({ file, from, to }: Mutation): string {
  const [before, after] = [from, to].map((text) => text.trim().split('\n').at(-1)?.trim())
  return after ? `${file}: ${before} -> ${after}` : `${file}: no ${before}`
}

/** Renders a copy of the chart for production, with the mistake made in it. */
async function renderMutated({ service, file, from, to }: Mutation, charts: string): Promise<Release> {
  const chart = join(charts, service)
  await cp(join(helmFolder, service), chart, { recursive: true })
  const target = file.startsWith('chart:')
    ? join(chart, file.slice('chart:'.length))
    : join(chart, 'charts', 'common', 'templates', file)
  const text = await readFile(target, 'utf8')
  if (!text.includes(from)) throw new Error(`${file} no longer has what this mutation changes: ${from}`)
  await writeFile(target, text.replaceAll(from, to))
  const args = environmentFile(service, 'production', charts)
  return render({ service, environment: 'production', charts, args })
}
