import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { library, libraryCopy, schemaOf } from '../../scripts/charts.ts'
import { environments, helmFolder, matrix, repository, services } from './charts.ts'

const everyChart = [
  ...[
    'Chart.yaml',
    'values.yaml',
    'values.schema.json',
    ...environments.map((each) => `values-${each}.yaml`),
  ],
  ...['_helpers.tpl', 'NOTES.txt', 'tests/health.yaml'].map((file) => `templates/${file}`),
  ...['deployment', 'service', 'configmap', 'secrets', 'hpa'].map((file) => `templates/${file}.yaml`),
  ...['pdb', 'serviceaccount', 'networkpolicy'].map((file) => `templates/${file}.yaml`),
]

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()
}

async function yaml(...path: string[]): Promise<unknown> {
  return parse(await readFile(join(helmFolder, ...path), 'utf8'))
}

describe.each(services)('%s', (service) => {
  const folder = join(helmFolder, service)

  test('has the documented files, an Ingress only where it is public', async () => {
    const files = (await filesOf(folder)).filter((file) => !file.startsWith('charts/'))
    const ingress = service === 'api-gateway' ? ['templates/ingress.yaml'] : []
    expect(files).toEqual([...everyChart, ...ingress].sort())
  })

  test('takes each object from the library by one include', async () => {
    const templates = (await filesOf(join(folder, 'templates'))).filter((file) => file !== '_helpers.tpl')
    for (const file of templates) {
      const text = await readFile(join(folder, 'templates', file), 'utf8')
      expect(text, file).toMatch(/^\{\{ include "common\.[a-z]+" \. \}\}\n$/)
    }
  })

  test('carries the library as it is (else: npm run charts)', async () => {
    const files = await filesOf(library)
    expect(await filesOf(libraryCopy(service))).toEqual(files)
    for (const file of files) {
      const [source, copy] = await Promise.all(
        [library, libraryCopy(service)].map((root) => readFile(join(root, file), 'utf8')),
      )
      expect(copy, file).toBe(source)
    }
  })

  test('carries the shared definitions of the schema (else: npm run charts)', async () => {
    expect(await readFile(join(folder, 'values.schema.json'), 'utf8')).toBe(await schemaOf(service))
  })

  test('depends on the version of the library that it carries, without a repository', async () => {
    const { version } = (await yaml('common', 'Chart.yaml')) as { version: string }
    expect(await yaml(service, 'Chart.yaml')).toMatchObject({
      name: service,
      appVersion: '1.0.0',
      dependencies: [{ name: 'common', version, 'import-values': ['defaults'] }],
    })
    expect(await readFile(join(folder, 'Chart.yaml'), 'utf8')).not.toMatch(/^\s*repository:/m)
  })
})

test.each(['common', ...services])('%s explains each of its values', async (chart) => {
  const lines = (await readFile(join(helmFolder, chart, 'values.yaml'), 'utf8')).split('\n')
  const bare = lines.filter((line, index) => {
    const isValue = /^\s*[A-Za-z]+: \S/.test(line)
    return isValue && !isExplained(lines.slice(0, index))
  })
  expect(bare).toEqual([])
})

/** True when the comment that ends these lines begins with `# --`. */
function isExplained(above: string[]): boolean {
  const comment = []
  for (const line of above.toReversed()) {
    if (!/^\s*#/.test(line)) break
    comment.unshift(line.trim())
  }
  return comment[0]?.startsWith('# -- ') === true
}

test.each(matrix)(
  'values-$environment.yaml of $service holds only differences',
  async ({ service, environment }) => {
    const shared = (await yaml('common', 'values.yaml')) as { exports: { defaults: unknown } }
    const defaults = new Map([
      ...leaves(shared.exports.defaults),
      ...leaves(await yaml(service, 'values.yaml')),
    ])
    const own = leaves(await yaml(service, `values-${environment}.yaml`))
    expect(own.length).toBeGreaterThan(0)
    expect(own.filter(([path, value]) => defaults.get(path) === value)).toEqual([])
    expect(own.filter(([path]) => !defaults.has(path))).toEqual([])
  },
)

/** Each value of a tree with its path; a list counts as one value. */
function leaves(tree: unknown, path = ''): [string, string][] {
  if (typeof tree !== 'object' || tree === null || Array.isArray(tree)) return [[path, JSON.stringify(tree)]]
  return Object.entries(tree).flatMap(([key, value]) => leaves(value, `${path}.${key}`))
}

test.each(['public', 'private', 'database'])('the %s subnets are those of terraform/vpc.tf', async (tier) => {
  const { exports } = (await yaml('common', 'values.yaml')) as {
    exports: { defaults: { network: Record<string, string[]> } }
  }
  const terraform = await readFile(join(repository, 'terraform', 'vpc.tf'), 'utf8')
  const [, list = ''] = new RegExp(`${tier}_cidrs\\s*= \\[(.*)\\]`).exec(terraform) ?? []
  expect(list.replaceAll('"', '').split(', ')).toEqual(exports.defaults.network[`${tier}Cidrs`])
})
