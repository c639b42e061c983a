import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { compareVersions, formatVersion, parseVersion, type Version } from '../../domain/version.ts'
import { EmrError, ExitCode, messageOf } from '../../errors.ts'
import type { Runner } from '../../process/runner.ts'
import { embeddedTool } from './embedded.ts'

export type ToolName = 'helm' | 'kubectl' | 'terraform' | 'aws'

export interface Tool {
  name: ToolName
  path: string
  version: Version
  /** Where it was found. */
  source: 'configuration' | 'PATH' | 'embedded'
}

interface ToolFacts {
  /** The documented minimum. */
  minimum: Version
  versionArgs: string[]
  install: string
}

const TOOLS: Record<ToolName, ToolFacts> = {
  helm: {
    minimum: [3, 12, 0],
    versionArgs: ['version', '--short'],
    install: 'https://helm.sh/docs/intro/install/',
  },
  kubectl: {
    minimum: [1, 28, 0],
    versionArgs: ['version', '--client'],
    install: 'https://kubernetes.io/docs/tasks/tools/',
  },
  terraform: {
    minimum: [1, 6, 0],
    versionArgs: ['version', '-json'],
    install: 'https://developer.hashicorp.com/terraform/install',
  },
  aws: {
    minimum: [2, 0, 0],
    versionArgs: ['--version'],
    install: 'https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html',
  },
}

/**
 * Finds a program that is new enough: the configured one, else the one on PATH, else the one that emr brings.
 * @param configured path from the configuration; then nothing else is tried
 * @throws {EmrError} TOOL_MISSING or TOOL_TOO_OLD (exit 4)
 */
export async function findTool(
  name: ToolName,
  configured: string | undefined,
  runner: Runner,
  signal?: AbortSignal,
): Promise<Tool> {
  const { minimum, install } = TOOLS[name]
  const candidates = configured
    ? [{ path: async () => configured, source: 'configuration' as const }]
    : [
        { path: () => onPath(name), source: 'PATH' as const },
        {
          path: async () => (name === 'helm' || name === 'kubectl' ? embeddedTool(name) : undefined),
          source: 'embedded' as const,
        },
      ]
  const refused: string[] = []
  for (const { path: find, source } of candidates) {
    const path = await find()
    if (path === undefined) continue
    const version = await versionOf(name, path, runner, signal)
    if (typeof version === 'string') refused.push(`${path}: ${version}`)
    else if (compareVersions(version, minimum) >= 0) return { name, path, version, source }
    else refused.push(`${path} is ${formatVersion(version)}`)
  }
  throw new EmrError(
    `emr needs ${name} ${formatVersion(minimum)} or newer and found none (${refused.join('; ')})`,
    {
      code: 'TOOL_MISSING',
      exitCode: ExitCode.preflight,
      suggestions: [
        `install ${name}: ${install}`,
        `or name it: export EMR_${name.toUpperCase()}=/path/to/${name}`,
      ],
      details: { tool: name, minimum: formatVersion(minimum), refused },
    },
  )
}

/** @returns where the shell would find the program; its bare name where it would not */
async function onPath(name: ToolName): Promise<string> {
  for (const folder of (process.env.PATH ?? '').split(delimiter).filter((each) => each !== '')) {
    const file = join(folder, name)
    const isProgram = await access(file, constants.X_OK).then(
      async () => (await stat(file)).isFile(),
      () => false,
    )
    if (isProgram) return file
  }
  return name
}

/** @returns the version, or why there is none */
async function versionOf(
  name: ToolName,
  path: string,
  runner: Runner,
  signal?: AbortSignal,
): Promise<Version | string> {
  try {
    const command = { file: path, args: TOOLS[name].versionArgs, effect: 'read' as const, timeoutMs: 20_000 }
    const { stdout } = await runner.run(command, { signal })
    return parseVersion(stdout) ?? `does not say its version: ${stdout.trim()}`
  } catch (error) {
    signal?.throwIfAborted()
    return messageOf(error).split('\n')[0] ?? 'failed'
  }
}
