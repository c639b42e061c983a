import { resolveEnvironment } from '../config/environment.ts'
import { type LoadedConfig, loadConfig } from '../config/load.ts'
import { type Setting, settingsWithOrigins } from '../config/origins.ts'
import { ConfigError } from '../config/problems.ts'
import { configuredSmokeTests } from '../config/smoke-tests.ts'
import { EmrError, ExitCode } from '../errors.ts'
import { unreadable } from '../files.ts'
import { count } from '../output/count.ts'
import { table } from '../output/table.ts'
import { symbols, stdoutTheme as theme } from '../output/theme.ts'
import type { Report } from './base-command.ts'

interface Validation {
  file: string
  environments: string[]
  services: string[]
  /** How many there are. */
  smokeTests: number
}

/** `emr config validate`: the file itself, that the charts and values files which it names are there, and the smoke tests. */
export async function validateConfig(configFile: string | undefined): Promise<Report<Validation>> {
  const config = await loadConfig(process.cwd(), configFile, process.env).catch((error) => {
    if (!(error instanceof ConfigError)) throw error
    throw error.advising(['correct these lines; the chapter Configure of the README has every key'])
  })
  const missing = await unreadable(filesOf(config))
  if (missing.length > 0) {
    const lines = missing.map((line) => `  ${line}`)
    throw new EmrError([`${config.file} names files that cannot be read:`, ...lines].join('\n'), {
      code: 'CONFIG_INVALID',
      exitCode: ExitCode.config,
      details: { missing },
      suggestions: ['put them there, or correct services.*.chart and environments.*.values'],
    })
  }
  // For every environment at once: the secrets of the tests need not be there.
  const suite = await configuredSmokeTests(config, undefined, {})
  const smokeTests = suite?.tests.length ?? 0
  const environments = Object.keys(config.settings.environments)
  const services = Object.keys(config.settings.services)
  const text = `${theme.good(symbols.good)} ${config.file}: ${count(environments.length, 'environment')}, ${count(services.length, 'service')}, ${count(smokeTests, 'smoke test')}`
  return { document: { file: config.file, environments, services, smokeTests }, text }
}

function filesOf(config: LoadedConfig): string[] {
  const services = Object.keys(config.settings.environments).flatMap(
    (name) => resolveEnvironment(config, name).services,
  )
  return [...new Set(services.flatMap(({ chart, values }) => [`${chart}/Chart.yaml`, ...values]))]
}

/** `emr config show`: each setting in force and where it comes from. */
export async function showConfig(
  configFile: string | undefined,
  environment: string | undefined,
): Promise<Report<{ file: string; settings: Setting[] }>> {
  const config = await loadConfig(process.cwd(), configFile, process.env)
  const settings = settingsWithOrigins(config, environment)
  const rows = settings.map(({ path, value, origin }) => [path, display(value), theme.faint(origin)])
  return { document: { file: config.file, settings }, text: table(['SETTING', 'VALUE', 'FROM'], rows) }
}

function display(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
