import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

/** The Terraform module of this project. */
export const MODULE = resolve(import.meta.dirname, '../../terraform')

const PROVIDER = 'registry.terraform.io/hashicorp/aws/5.*'
/** Where machines keep a provider mirror, beside the folders that Terraform looks into by itself. */
const MIRRORS = ['/opt/*', '/srv/*', '/usr/local/lib/*', `${homedir()}/*`]

/**
 * The environment for a terraform process that finds the AWS provider by itself: through the user's own CLI
 * configuration where that file exists, else from a provider mirror of this machine, else from the registry.
 * @returns also how to remove the folder that all this is kept in
 */
export function terraformSetup(): { env: NodeJS.ProcessEnv; folder: string; dispose: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'emr-terraform-'))
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    CHECKPOINT_DISABLE: '1',
    // Most of what these processes do is to read the provider's schema: a quarter less time for a third more memory.
    GOGC: '400',
    NO_COLOR: '1',
    TF_DATA_DIR: join(folder, 'data'),
  }
  const mirror = providerMirror()
  if (!existsSync(env.TF_CLI_CONFIG_FILE ?? '')) {
    delete env.TF_CLI_CONFIG_FILE
    if (mirror !== undefined) {
      env.TF_CLI_CONFIG_FILE = join(folder, 'terraform.rc')
      writeFileSync(
        env.TF_CLI_CONFIG_FILE,
        `provider_installation {\n  filesystem_mirror {\n    path = "${mirror}"\n  }\n}\n`,
      )
    }
  }
  return { env, folder, dispose: () => rmSync(folder, { recursive: true, force: true }) }
}

function providerMirror(): string | undefined {
  const [found] = globSync(MIRRORS.map((parent) => `${parent}/${PROVIDER}`))
  return found && resolve(dirname(found), '../../..')
}

/**
 * What the Terraform suites lack on this machine; undefined where they can run. On CI nothing may be lacking.
 * @throws on CI, with what to install
 */
export function terraformLack(): string | undefined {
  const { env, dispose } = terraformSetup()
  try {
    const run = (...args: string[]) => spawnSync('terraform', args, { cwd: MODULE, env, encoding: 'utf8' })
    if (run('version').error) return lacking('install Terraform 1.7 or newer and put it on PATH')
    const { status, stderr } = run('init', '-backend=false', '-input=false', '-lockfile=readonly')
    return status === 0
      ? undefined
      : lacking(
          `terraform init finds no AWS provider (docs/infrastructure.md, "Without a registry"): ${stderr}`,
        )
  } finally {
    dispose()
  }
}

function lacking(what: string): string {
  if (process.env.CI) throw new Error(`The Terraform suites cannot run: ${what}`)
  process.stderr.write(`Skipping the Terraform suites: ${what}\n`)
  return what
}
