import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { LineCounter, parseDocument } from 'yaml'
import { expressionsIn, textsIn } from '../domain/smoke-test/expression.ts'
import type { HttpCheck, SmokeSuite, SmokeTest, TcpCheck } from '../domain/smoke-test/suite.ts'
import { EmrError, ExitCode, nearest } from '../errors.ts'
import { fileFault } from '../files.ts'
import type { LoadedConfig } from './load.ts'
import { ConfigError, type ConfigProblem, ProblemLocator } from './problems.ts'
import { milliseconds, type SmokeTestFile, smokeTestSchema } from './smoke-test-schema.ts'
import { issueInWords } from './words.ts'

/** What the file may refer to. */
export interface SmokeTestNames {
  services: string[]
  environments: string[]
  /**
   * The environment in which the tests are to run: secrets of tests for others need not be there; undefined where
   * none is to run.
   */
  environment: string | undefined
  env: NodeJS.ProcessEnv
}

/**
 * The smoke tests of a configuration.
 * @param environment in which they are to run; undefined where none is to run
 * @returns undefined where the configuration names no file and there is no smoke-tests.yaml beside it
 * @throws as loadSmokeTests; {EmrError} SMOKE_TESTS_MISSING (3) where the file that it names is missing
 */
export async function configuredSmokeTests(
  { file: config, settings, originOf }: LoadedConfig,
  environment: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<SmokeSuite | undefined> {
  const file = resolve(dirname(config), settings.smokeTests)
  const services = Object.keys(settings.services)
  const environments = Object.keys(settings.environments)
  const suite = await loadSmokeTests(file, { services, environments, environment, env })
  const origin = originOf(['smokeTests'])
  if (suite !== undefined || origin === 'default') return suite
  throw new EmrError(`The file of smoke tests ${file} does not exist; ${origin} names it`, {
    code: 'SMOKE_TESTS_MISSING',
    exitCode: ExitCode.config,
    suggestions: ['put it there, or correct smokeTests'],
  })
}

const REDIRECTS = [301, 302, 307, 308]

/**
 * Reads and checks a file of smoke tests.
 * @returns undefined where there is no such file
 * @throws {ConfigError} exit 3, with every problem and its line; {EmrError} SMOKE_TESTS_UNREADABLE (3)
 */
export async function loadSmokeTests(file: string, names: SmokeTestNames): Promise<SmokeSuite | undefined> {
  const content = await readFile(file, 'utf8').catch((cause) => {
    if (cause.code === 'ENOENT') return undefined
    throw new EmrError(`The file of smoke tests ${file} cannot be read: ${fileFault(cause) ?? cause.code}`, {
      code: 'SMOKE_TESTS_UNREADABLE',
      exitCode: ExitCode.config,
      suggestions: [`look at it: ls -ld ${file}`],
      cause,
    })
  })
  if (content === undefined) return undefined
  const lines = new LineCounter()
  const document = parseDocument(content, { lineCounter: lines })
  const locator = new ProblemLocator(document, lines)
  const syntax = document.errors.map((error) => locator.fromSyntax(error))
  // After the first fault of syntax, the rest are its echoes.
  const fault = document.errors.findIndex(({ code }) => code !== 'DUPLICATE_KEY')
  if (fault >= 0) throw invalid(file, syntax.slice(fault, fault + 1))
  const parsed = smokeTestSchema.safeParse(document.toJS() ?? {}, { error: issueInWords })
  const found = parsed.success
    ? nameProblems(parsed.data, names, locator)
    : parsed.error.issues.flatMap((issue) => locator.fromIssue(issue, smokeTestSchema))
  const problems = [...syntax, ...found].sort((a, b) => a.line - b.line || a.column - b.column)
  if (problems.length > 0 || !parsed.success) throw invalid(file, problems)
  return { file, tests: parsed.data.tests.map((test) => testOf(test, parsed.data.defaults)) }
}

function invalid(file: string, problems: ConfigProblem[]): ConfigError {
  return new ConfigError(file, problems, { what: 'The file of smoke tests', suggestions: [] })
}

type TestEntry = SmokeTestFile['tests'][number]

/** What the schema cannot see: names of tests, services, environments and expressions. */
function nameProblems(
  { tests }: SmokeTestFile,
  names: SmokeTestNames,
  locator: ProblemLocator,
): ConfigProblem[] {
  return tests.flatMap((test, index) => {
    const at = (path: PropertyKey[], message: string) => locator.at(['tests', index, ...path], message)
    const isTwin = tests.findIndex(({ name }) => name === test.name) !== index
    return [
      ...(isTwin ? [at(['name'], `there is another test '${test.name}'`)] : []),
      ...referenceProblems(test, names, at),
      ...expressionProblems(test, names, at),
    ]
  })
}

type At = (path: PropertyKey[], message: string) => ConfigProblem

function referenceProblems(test: TestEntry, { services, environments }: SmokeTestNames, at: At) {
  const wrongServices = (['http', 'tcp'] as const).flatMap((kind) => {
    const service = test[kind]?.service
    if (service === undefined || services.includes(service)) return []
    return [at([kind, 'service'], unknown('service', service, services))]
  })
  const wrongEnvironments = (test.environments ?? []).flatMap((name, position) =>
    environments.includes(name)
      ? []
      : [at(['environments', position], unknown('environment', name, environments))],
  )
  return [...wrongServices, ...wrongEnvironments]
}

function expressionProblems(test: TestEntry, names: SmokeTestNames, at: At): ConfigProblem[] {
  const { environment } = names
  const isRun = environment !== undefined && (test.environments?.includes(environment) ?? true)
  return textsIn(test).flatMap(({ path, text }) => {
    const open = /\$\{[^}]*$/.test(text) ? [at(path, 'an expression is not closed: a } is missing')] : []
    const wrong = expressionsIn(text).flatMap((name) => {
      const why = expressionProblem(name, names, isRun)
      return why ? [at(path, why)] : []
    })
    return [...open, ...wrong]
  })
}

const PLAIN = ['environment', 'namespace', 'gateway', 'gateway.host']

function expressionProblem(
  name: string,
  { services, env }: SmokeTestNames,
  isRun: boolean,
): string | undefined {
  if (PLAIN.includes(name)) return undefined
  const [, kind, rest = ''] = /^(version|secret)\.(.+)$/.exec(name) ?? []
  if (kind === 'version') return services.includes(rest) ? undefined : unknown('service', rest, services)
  if (kind === 'secret') {
    if (!/^[A-Za-z_]\w*$/.test(rest)) return `'${rest}' is no name of an environment variable`
    return isRun && !env[rest] ? `the secret is missing: set the environment variable ${rest}` : undefined
  }
  return unknown('expression', name, [...PLAIN, 'version.SERVICE', 'secret.VARIABLE'])
}

function unknown(kind: string, name: string, known: string[]): string {
  const close = nearest(name, known)
  return `there is no ${kind} '${name}'; ${close ? `did you mean '${close}'?` : `known: ${known.join(', ')}`}`
}

function testOf(test: TestEntry, defaults: SmokeTestFile['defaults']): SmokeTest {
  const { name, tags, environments } = test
  return {
    name,
    tags,
    ...(environments && { environments }),
    timeoutMs: milliseconds(test.timeout ?? defaults.timeout ?? '5s'),
    attempts: test.attempts ?? defaults.attempts ?? 3,
    pauseMs: milliseconds(test.pause ?? defaults.pause ?? '1s'),
    check: test.http ? httpCheck(test.http) : { kind: 'tcp', ...(test.tcp as Omit<TcpCheck, 'kind'>) },
  }
}

function httpCheck({
  url,
  service,
  port,
  path,
  expect,
  ...request
}: NonNullable<TestEntry['http']>): HttpCheck {
  const { status = expect.redirect === undefined ? 200 : REDIRECTS, within, ...rest } = expect
  return {
    kind: 'http',
    target: url === undefined ? { service: service ?? '', port, path: path ?? '/' } : { url },
    ...request,
    expect: {
      ...rest,
      status: [status].flat(),
      ...(within !== undefined && { within: milliseconds(within) }),
    },
  }
}
