import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { type Document, isScalar, LineCounter, parseDocument, visit } from 'yaml'
import { wavesOf } from '../domain/waves.ts'
import { EmrError, ExitCode, messageOf, nearest } from '../errors.ts'
import { ConfigError, type ConfigProblem, ProblemLocator } from './problems.ts'
import { type ConfigFile, configSchema } from './schema.ts'
import { issueInWords } from './words.ts'

const CONFIG_FILE = 'emr.config.yaml'

/** Environment variables that take the place of a setting in the file. */
const OVERRIDES: Record<string, readonly string[]> = {
  EMR_ENVIRONMENT: ['defaultEnvironment'],
  EMR_HELM: ['tools', 'helm'],
  EMR_KUBECTL: ['tools', 'kubectl'],
  EMR_TERRAFORM: ['tools', 'terraform'],
}

export interface LoadedConfig {
  /** Absolute path of the file. */
  file: string
  settings: ConfigFile
  /** Where a setting's value comes from: `emr.config.yaml:12`, `EMR_HELM` or `default`. */
  originOf(path: readonly PropertyKey[]): string
}

/**
 * Reads and checks the configuration.
 * @param start folder from which to look upwards for emr.config.yaml
 * @param explicit path given by --config or EMR_CONFIG
 * @throws {ConfigError} with every problem of the file; {EmrError} CONFIG_NOT_FOUND. Both exit 3.
 */
export async function loadConfig(
  start: string,
  explicit: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<LoadedConfig> {
  const file = explicit === undefined ? await findUpwards(start) : resolve(start, explicit)
  const text = await readConfig(file)
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const locator = new ProblemLocator(document, lines)
  const syntax = document.errors.map((error) => locator.fromSyntax(error))
  // A key that stands twice leaves the rest readable; any other fault of syntax does not.
  if (document.errors.some(({ code }) => code !== 'DUPLICATE_KEY')) throw new ConfigError(file, syntax)
  const overrides = Object.entries(OVERRIDES).filter(([name]) => env[name])
  const raw = withOverrides(dataOf(document, file, locator), overrides, env)
  const parsed = configSchema.safeParse(raw, { error: issueInWords })
  const found = [
    ...(parsed.error?.issues ?? []).flatMap((issue) => locator.fromIssue(issue, configSchema)),
    ...referenceProblems(parsed.data ?? readableParts(raw), locator),
  ]
  const problems = [...syntax, ...found]
    .map((problem) => {
      const variable = overrides.find(([, path]) => path.join('.') === problem.path)?.[0]
      return variable === undefined ? problem : { ...problem, variable }
    })
    .sort((a, b) => a.line - b.line || a.column - b.column)
  if (problems.length > 0 || !parsed.success) throw new ConfigError(file, problems)
  return {
    file,
    settings: parsed.data,
    originOf(path) {
      const override = overrides.find(([, target]) => target.join('.') === path.map(String).join('.'))
      if (override) return override[0]
      const line = locator.lineOf(path)
      return line === undefined ? 'default' : `${CONFIG_FILE}:${line}`
    },
  }
}

/** @throws {ConfigError} for aliases that would become too much data, and for a key that no object can have */
function dataOf(document: Document, file: string, locator: ProblemLocator): unknown {
  const problems: ConfigProblem[] = []
  visit(document, {
    Pair: (_, { key }) => {
      const isKey = isScalar(key) && key.value === '__proto__'
      if (isKey) problems.push(locator.atOffset(key.range?.[0] ?? 0, "'__proto__' cannot be a key"))
    },
  })
  if (problems.length > 0) throw new ConfigError(file, problems)
  try {
    return document.toJS() ?? {}
  } catch (error) {
    throw new ConfigError(file, [locator.at([], messageOf(error))])
  }
}

async function findUpwards(start: string): Promise<string> {
  for (let folder = resolve(start); ; folder = dirname(folder)) {
    const file = join(folder, CONFIG_FILE)
    const found = await readFile(file).then(
      () => true,
      () => false,
    )
    if (found) return file
    if (dirname(folder) === folder) {
      throw new EmrError(`There is no ${CONFIG_FILE} in ${resolve(start)} or above it`, {
        code: 'CONFIG_NOT_FOUND',
        exitCode: ExitCode.config,
        suggestions: ['cd into the project, or name the file: --config path/to/emr.config.yaml'],
      })
    }
  }
}

async function readConfig(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new EmrError(
      `The configuration ${file} cannot be read (${(cause as NodeJS.ErrnoException).code})`,
      {
        code: 'CONFIG_NOT_FOUND',
        exitCode: ExitCode.config,
        suggestions: ['check --config and EMR_CONFIG'],
        cause,
      },
    )
  }
}

function withOverrides(
  raw: unknown,
  overrides: [string, readonly string[]][],
  env: NodeJS.ProcessEnv,
): unknown {
  if (typeof raw !== 'object' || raw === null) return raw
  const result = structuredClone(raw) as Record<string, unknown>
  for (const [name, path] of overrides) {
    let target = result
    for (const part of path.slice(0, -1)) {
      target[part] ??= {}
      target = target[part] as Record<string, unknown>
    }
    target[path.at(-1) ?? ''] = env[name]
  }
  return result
}

type References = Pick<ConfigFile, 'services' | 'defaultEnvironment'> & { environments: object }

/** What can be checked of names in a file that has other problems, so that all are told at once. */
function readableParts(raw: unknown): References {
  const { services, environments, defaultEnvironment } = Object(raw) as Record<string, unknown>
  return {
    services: configSchema.shape.services.safeParse(services).data ?? {},
    environments: Object(environments) as object,
    ...(typeof defaultEnvironment === 'string' && { defaultEnvironment }),
  }
}

/** What a schema cannot see: names that refer to other parts of the file. */
function referenceProblems(settings: References, locator: ProblemLocator): ConfigProblem[] {
  const problems: ConfigProblem[] = []
  const serviceNames = Object.keys(settings.services)
  const environmentNames = Object.keys(settings.environments)
  const unknown = (kind: string, name: string, known: string[]) => {
    const close = nearest(name, known)
    return `there is no ${kind} '${name}'; ${close ? `did you mean '${close}'?` : `known: ${known.join(', ') || 'none'}`}`
  }
  for (const [name, { needs }] of Object.entries(settings.services)) {
    for (const [index, need] of needs.entries()) {
      if (!serviceNames.includes(need)) {
        problems.push(locator.at(['services', name, 'needs', index], unknown('service', need, serviceNames)))
      }
    }
  }
  const { defaultEnvironment } = settings
  if (defaultEnvironment !== undefined && !environmentNames.includes(defaultEnvironment)) {
    problems.push(
      locator.at(['defaultEnvironment'], unknown('environment', defaultEnvironment, environmentNames)),
    )
  }
  try {
    wavesOf(Object.entries(settings.services).map(([name, { needs }]) => ({ name, needs })))
  } catch (error) {
    problems.push(locator.at(['services'], (error as Error).message))
  }
  return problems
}
