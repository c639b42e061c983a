import { access } from 'node:fs/promises'
import { resolveEnvironment } from '../config/environment.ts'
import { type LoadedConfig, loadConfig } from '../config/load.ts'
import { type Setting, settingsWithOrigins } from '../config/origins.ts'
import { EmrError, ExitCode } from '../errors.ts'
import { count } from '../output/count.ts'
import { table } from '../output/table.ts'
import { symbols, stdoutTheme as theme } from '../output/theme.ts'
import type { Report } from './base-command.ts'

interface Validation {
  file: string
  environments: string[]
  services: string[]
}

/** `emr config validate`: the file itself, and that the charts and values files which it names are there. */
export async function validateConfig(configFile: string | undefined): Promise<Report<Validation>> {
  const config = await loadConfig(process.cwd(), configFile, process.env)
  const missing = await missingFiles(config)
  if (missing.length > 0) {
    const lines = missing.map((file) => `  ${file} does not exist`)
    throw new EmrError([`${config.file} names files that are not there:`, ...lines].join('\n'), {
      code: 'CONFIG_INVALID',
      exitCode: ExitCode.config,
      details: { missing },
    })
  }
  const environments = Object.keys(config.settings.environments)
  const services = Object.keys(config.settings.services)
  const text = `${theme.good(symbols.good)} ${config.file}: ${count(environments.length, 'environment')}, ${count(services.length, 'service')}`
  return { document: { file: config.file, environments, services }, text }
}

async function missingFiles(config: LoadedConfig): Promise<string[]> {
  const services = Object.keys(config.settings.environments).flatMap(
    (name) => resolveEnvironment(config, name).services,
  )
  const files = new Set(services.flatMap(({ chart, values }) => [`${chart}/Chart.yaml`, ...values]))
  const checked = await Promise.all(
    [...files].map((file) =>
      access(file).then(
        () => [],
        () => [file],
      ),
    ),
  )
  return checked.flat()
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
