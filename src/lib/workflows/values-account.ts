import { readFile } from 'node:fs/promises'
import type { Environment, ServiceDefinition } from '../domain/environment.ts'
import { yamlDocuments } from '../yaml.ts'

interface Values {
  global?: { aws?: { accountId?: unknown } }
}

/**
 * Values of another account are those of another environment, or nobody has adapted them. What a file names in full
 * (`image.registry`, `serviceAccount.roleArn`) may well be another account's.
 * @param services whose values files can be read
 * @returns a line for each file by which a service would be in another account than the configuration says
 */
export async function foreignAccounts(
  { name, aws }: Environment,
  services: readonly ServiceDefinition[],
): Promise<string[]> {
  if (aws === undefined) return []
  const named = await Promise.all(services.map(({ values }) => lastNamed(values)))
  const lines = named.flatMap((found) =>
    found === undefined || found.account === aws.accountId
      ? []
      : `${found.file}: global.aws.accountId is ${found.account}, but environments.${name}.aws.accountId is ${aws.accountId}`,
  )
  return [...new Set(lines)]
}

/** A later file counts more. */
async function lastNamed(files: readonly string[]): Promise<{ file: string; account: string } | undefined> {
  const named = await Promise.all(
    files.map(async (file) => ({ file, account: accountOf(await readFile(file, 'utf8')) })),
  )
  return named.findLast(({ account }) => account !== '')
}

function accountOf(text: string): string {
  try {
    const [values] = yamlDocuments(text) as (Values | null)[]
    return String(values?.global?.aws?.accountId ?? '')
  } catch {
    // What is no YAML is helm's to tell.
    return ''
  }
}
