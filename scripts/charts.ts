/**
 * Copies what the charts share into each of them: the library helm/common to charts/common, and the definitions of
 * helm/values.definitions.json into values.schema.json. Run it after changing either: `npm run charts`.
 * Copies, not symbolic links: npm packages drop links, and helm complains about them at each command.
 */
import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { helmFolder, services } from '../test/helm/charts.ts'

export const library = join(helmFolder, 'common')

/** Where a chart keeps its copy of the library. */
export function libraryCopy(service: string): string {
  return join(helmFolder, service, 'charts', 'common')
}

/** The schema of a chart's values, with the shared definitions as they are now. */
export async function schemaOf(service: string): Promise<string> {
  const own = await readFile(join(helmFolder, service, 'values.schema.json'), 'utf8')
  const shared = await readFile(join(helmFolder, 'values.definitions.json'), 'utf8')
  const mark = '  "definitions": {'
  return own.slice(0, own.indexOf(mark)) + shared.slice(shared.indexOf(mark))
}

if (import.meta.main) {
  for (const service of services) {
    await rm(libraryCopy(service), { recursive: true, force: true })
    await cp(library, libraryCopy(service), { recursive: true })
    await writeFile(join(helmFolder, service, 'values.schema.json'), await schemaOf(service))
  }
}
