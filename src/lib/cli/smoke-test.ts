import { dirname, resolve } from 'node:path'
import { exchange } from '../adapters/http/exchange.ts'
import { Kubectl } from '../adapters/kubectl/kubectl.ts'
import type { KubernetesClient } from '../adapters/kubernetes/client.ts'
import { gatewayUrl } from '../adapters/kubernetes/gateway.ts'
import { askService } from '../adapters/kubernetes/service-proxy.ts'
import { configuredSmokeTests, loadSmokeTests } from '../config/smoke-tests.ts'
import { tagOf } from '../domain/image.ts'
import { expressionsIn, textsIn } from '../domain/smoke-test/expression.ts'
import type { HttpCheck, SmokeSuite } from '../domain/smoke-test/suite.ts'
import { EmrError, ExitCode, messageOf } from '../errors.ts'
import { fileFault } from '../files.ts'
import { junitXml } from '../output/junit.ts'
import { outcomeCounts, smokeReportView } from '../output/smoke-view.ts'
import { runTasks } from '../output/task-list.ts'
import { stdoutTheme } from '../output/theme.ts'
import { keepEvidence } from '../workflows/record/evidence.ts'
import { imageOf } from '../workflows/release-state.ts'
import type { SmokeReport } from '../workflows/smoke-test/report.ts'
import { runSmokeTests, type SmokePorts } from '../workflows/smoke-test/run.ts'
import type { CommandContext, Report } from './base-command.ts'
import { type EnvironmentAccess, reachEnvironment } from './environment-access.ts'
import { usageError } from './flags.ts'
import { sandboxIngress } from './sandbox.ts'
import { openSession, type Session, type SessionFlags, tool } from './session.ts'

export interface SmokeTestFlags extends SessionFlags {
  file: string | undefined
  tag: string[] | undefined
  junit: string | undefined
}

/** `emr smoke-test`: exit 1 when a test fails. */
export async function runSmokeTest(
  flags: SmokeTestFlags,
  context: CommandContext,
): Promise<Report<SmokeReport>> {
  const session = await openSession(flags, context.signal)
  const suite = await suiteOf(session, flags.file)
  if (suite === undefined) throw noTests(session, flags.file)
  const tags = flags.tag ?? []
  assertTags(suite, tags)
  const access = await reachEnvironment(session)
  const report = await verifyEnvironment(access, suite, tags)
  const problems = [
    ...(report.outcome === 'failed' ? await keepEvidence(access.ports, { 'smoke-tests.json': report }) : []),
    ...(flags.junit === undefined ? [] : await writeJunit(flags.junit, report)),
  ]
  const document = problems.length === 0 ? report : { ...report, reportingProblems: problems }
  // Whoever asked for a file does not take its absence for success.
  const failed = report.outcome === 'failed' || problems.length > 0
  return {
    document,
    text: smokeReportView(document, stdoutTheme),
    exitCode: failed ? ExitCode.failed : ExitCode.ok,
  }
}

async function writeJunit(file: string, report: SmokeReport): Promise<string[]> {
  try {
    const { mkdir, writeFile } = await import('node:fs/promises')
    await mkdir(dirname(resolve(file)), { recursive: true })
    await writeFile(file, junitXml(report))
    return []
  } catch (error) {
    return [`the JUnit file could not be written: ${fileFault(error) ?? messageOf(error)}`]
  }
}

/**
 * The smoke tests of the project, checked; undefined where it has none.
 * @param file in place of the one that the configuration names
 * @throws {ConfigError} (3) with every problem of the file and its line
 */
export async function suiteOf(
  { config, environment }: Session,
  file?: string,
): Promise<SmokeSuite | undefined> {
  if (file === undefined) return configuredSmokeTests(config, environment.name, process.env)
  const services = Object.keys(config.settings.services)
  const environments = Object.keys(config.settings.environments)
  const names = { services, environments, environment: environment.name, env: process.env }
  return loadSmokeTests(resolve(file), names)
}

function suiteFile({ config }: Session, named: string | undefined): string {
  return named ? resolve(named) : resolve(dirname(config.file), config.settings.smokeTests)
}

/** Runs the tests as a task; failed ones are in the report. @throws what kept them from running */
export async function verifyEnvironment(
  access: EnvironmentAccess,
  suite: SmokeSuite,
  tags: string[] = [],
): Promise<SmokeReport> {
  const ports = await portsOf(access, suite)
  const found: { report?: SmokeReport; error?: unknown } = {}
  await runTasks([
    {
      title: 'Smoke tests',
      // The report says what failed; here it only shows.
      exitOnError: false,
      task: async (_context, task) => {
        const report = await runSmokeTests(ports, suite, tags, ({ name, outcome }) => {
          if (outcome === 'failed' || outcome === 'flaky') task.output = `${name}: ${outcome}`
        }).catch((error: unknown) => {
          found.error = error
          throw error
        })
        found.report = report
        const sum = outcomeCounts(report)
        if (report.outcome === 'failed') throw new Error(sum)
        task.title = `Smoke tests: ${sum}`
      },
    },
  ])
  ports.signal.throwIfAborted()
  if (found.report) return found.report
  throw found.error ?? new Error('the smoke tests ended without a report')
}

async function portsOf(access: EnvironmentAccess, suite: SmokeSuite): Promise<SmokePorts> {
  const { session, client, ports } = access
  const { environment } = session
  const { signal, now } = ports
  const names = [...new Set(textsIn(suite.tests).flatMap(({ text }) => expressionsIn(text)))]
  const values = await valuesOf(access, names)
  const secrets = names.filter((name) => name.startsWith('secret.')).map((name) => values[name] ?? '')
  return {
    environment: environment.name,
    values,
    secrets,
    signal,
    now,
    ask: (check, timeoutMs) => ask(client, environment.namespace, check, timeoutMs, signal),
    connect: async ({ service, address }, timeoutMs) => {
      const { kubeconfig, context } = client.access
      const target = { kubeconfig, context, namespace: environment.namespace }
      const kubectl = new Kubectl(await tool(session, 'kubectl'), target, session.runner)
      await kubectl.connectFrom(service, address, timeoutMs, { signal })
    },
  }
}

function ask(
  client: KubernetesClient,
  namespace: string,
  { target, method, headers, body }: HttpCheck,
  timeoutMs: number,
  signal: AbortSignal,
) {
  const request = { method, headers, timeoutMs, ...(body !== undefined && { body }) }
  return 'url' in target
    ? exchange({ ...request, url: target.url }, signal)
    : askService(client, namespace, { ...request, ...target }, signal)
}

/** Only what the tests ask for is looked up. */
async function valuesOf(access: EnvironmentAccess, names: string[]): Promise<Record<string, string>> {
  const { session, ports } = access
  const { name: environment, namespace } = session.environment
  const values: Record<string, string> = { environment, namespace }
  if (names.some((name) => name.startsWith('gateway'))) {
    values.gateway = await gatewayOf(access)
    values['gateway.host'] = new URL(values.gateway).host
  }
  for (const name of names.filter((each) => each.startsWith('secret.'))) {
    values[name] = process.env[name.slice('secret.'.length)] ?? ''
  }
  await Promise.all(
    names
      .filter((each) => each.startsWith('version.'))
      .map(async (name) => {
        const release = await ports.helm.status(name.slice('version.'.length), { signal: ports.signal })
        values[name] = tagOf(imageOf(release?.objects)) ?? ''
      }),
  )
  return values
}

async function gatewayOf({ session, client, ports }: EnvironmentAccess): Promise<string> {
  const { environment } = session
  const found =
    environment.gateway ??
    (environment.cluster.kind === 'sandbox'
      ? await sandboxIngress(session)
      : await gatewayUrl(client, environment.namespace, ports.signal))
  if (found) return found.replace(/\/$/, '')
  throw new EmrError(`${environment.name} has no Ingress: where is its gateway?`, {
    code: 'GATEWAY_UNKNOWN',
    exitCode: ExitCode.preflight,
    suggestions: [
      `emr deploy ${environment.name}`,
      `or set environments.${environment.name}.gateway to its URL`,
    ],
  })
}

function assertTags({ tests }: SmokeSuite, tags: string[]): void {
  const known = [...new Set(tests.flatMap((test) => test.tags))]
  const unknown = tags.find((tag) => !known.includes(tag))
  if (unknown === undefined) return
  throw usageError(`No smoke test has the tag '${unknown}'`, [`known tags: ${known.join(', ') || 'none'}`])
}

function noTests(session: Session, named: string | undefined): EmrError {
  const file = suiteFile(session, named)
  return new EmrError(`There are no smoke tests: ${file} does not exist`, {
    code: 'SMOKE_TESTS_MISSING',
    exitCode: ExitCode.config,
    suggestions: [`write it, or name another file: emr smoke-test ${session.environment.name} --file FILE`],
  })
}
