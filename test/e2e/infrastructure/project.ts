import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type EmrRun, type RunningEmr, startEmr } from '../../support/emr.ts'
import { type Emulator, MOTO_ACCOUNT, motoLack, startEmulator } from '../../support/moto.ts'
import { terraformLack, terraformSetup } from '../../support/terraform.ts'

/** The provider gives a new database a minute before it asks for it the first time, a replica three. */
export const MINUTES = 900_000

/** What these suites lack on this machine; undefined where they can run. @throws on CI */
export function infrastructureLack(): string | undefined {
  return terraformLack() ?? motoLack()
}

/** A folder with a Terraform module and a configuration, and an AWS account to itself. */
export interface InfrastructureProject {
  folder: string
  /** Of the emulator. */
  endpoint: string
  /** For other programs on the same account. */
  env: NodeJS.ProcessEnv
  start: (...args: string[]) => RunningEmr
  emr: (...args: string[]) => Promise<EmrRun>
  /** Everything that `emr` has printed, to look for secrets in. */
  printed: () => string
  dispose: () => Promise<void>
}

/** @param terraform of each environment's section in the configuration */
export async function infrastructureProject(
  module: string,
  environments: string[],
  terraform: string,
): Promise<InfrastructureProject> {
  const emulator = await startEmulator()
  const setup = terraformSetup()
  const folder = join(setup.folder, 'project')
  // Nobody's own kubeconfig is written to.
  const env = {
    ...setup.env,
    ...emulator.env,
    TF_DATA_DIR: undefined,
    KUBECONFIG: join(setup.folder, 'kubeconfig'),
  }
  let printed = ''
  const start = (...args: string[]) => startEmr(args, folder, env)
  mkdirSync(folder)
  const filter = (file: string) => !['.terraform', 'tests'].includes(basename(file))
  cpSync(module, join(folder, 'terraform'), { recursive: true, filter })
  writeFileSync(join(folder, 'emr.config.yaml'), configuration(emulator, environments, terraform))
  return {
    folder,
    endpoint: emulator.endpoint,
    env,
    start,
    emr: async (...args) => {
      const run = await start(...args).end
      printed += run.stdout + run.stderr
      return run
    },
    printed: () => printed,
    dispose: async () => {
      await emulator.stop()
      setup.dispose()
    },
  }
}

/** A small module of the same shape as the project's own, with a variable file for each environment. */
export async function smallProject(environments: string[]): Promise<InfrastructureProject> {
  const module = join(import.meta.dirname, 'module')
  const project = await infrastructureProject(module, environments, '{ varFile: "{environment}.tfvars" }')
  for (const name of environments) writeFileSync(variableFile(project, name), `identifier = "${name}"\n`)
  return project
}

export function variableFile({ folder }: InfrastructureProject, environment: string): string {
  return join(folder, 'terraform', `${environment}.tfvars`)
}

function configuration({ endpoint }: Emulator, environments: string[], terraform: string): string {
  const sections = environments.map(
    (name) => `  ${name}:
    aws: { accountId: "${MOTO_ACCOUNT}", region: us-east-1, endpoint: "${endpoint}" }
    cluster: { eks: emr-platform-${name} }
    terraform: ${terraform}`,
  )
  return ['services: {}', 'environments:', ...sections].join('\n')
}
