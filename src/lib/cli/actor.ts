import { hostname } from 'node:os'
import { dirname } from 'node:path'
import type { Actor } from '../domain/release/release-set.ts'
import { userName } from '../user-name.ts'
import type { Session } from './session.ts'

/** Who runs this command: the STS identity where the environment has an AWS account, else the user of the machine. */
export async function actorOf(session: Session): Promise<Actor> {
  const { environment, signal } = session
  const [identity, commit] = await Promise.all([
    environment.aws &&
      import('../adapters/aws/account.ts').then(({ callerIdentity }) =>
        callerIdentity(environment.aws as NonNullable<typeof environment.aws>, signal),
      ),
    commitOf(session),
  ])
  const host = hostname()
  const run = ciRun(process.env)
  return {
    name: identity?.arn ?? `${userName()}@${host}`,
    host,
    ...(run && { run }),
    ...(commit && { commit }),
  }
}

/** Address of the job, as CI systems tell it. */
function ciRun(env: NodeJS.ProcessEnv): string | undefined {
  if (env.GITHUB_RUN_ID)
    return `${env.GITHUB_SERVER_URL}/${env.GITHUB_REPOSITORY}/actions/runs/${env.GITHUB_RUN_ID}`
  return env.CI_JOB_URL || env.BUILD_URL || undefined
}

async function commitOf({ config, runner, signal }: Session): Promise<string | undefined> {
  const { GITHUB_SHA, CI_COMMIT_SHA } = process.env
  if (GITHUB_SHA || CI_COMMIT_SHA) return GITHUB_SHA || CI_COMMIT_SHA
  const cwd = dirname(config.file)
  const command = { file: 'git', args: ['rev-parse', 'HEAD'], cwd, effect: 'read' as const }
  const found = await runner.run(command, { signal }).catch(() => undefined)
  return found?.stdout.trim() || undefined
}
