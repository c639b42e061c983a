import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { COMMANDS } from '../../../src/commands/index.ts'
import { resultLine } from '../../../src/lib/domain/result-line.ts'
import { temporaryFolder } from '../../support/project.ts'
import { runCommand } from '../../support/run-command.ts'
import { startTestSandbox, type TestSandbox } from '../sandbox/support.ts'
import { startProgram } from './program.ts'

const IMAGE = '111111111111.dkr.ecr.us-east-1.amazonaws.com/emr:0.1.0'
const STATUS = {
  environment: 'prod',
  store: 's3://backups/prod',
  ok: false,
  alarms: ['there is no good backup'],
  lastGood: null,
  slot: null,
  guard: { publication: false, triggers: false },
  damaged: [],
  unfinished: [],
}

describe('db-backup as a Job', () => {
  let sandbox: TestSandbox
  beforeAll(async () => {
    sandbox = await startTestSandbox()
    for (const args of [
      ['create', 'namespace', 'backups'],
      ['label', 'namespace', 'backups', 'pod-security.kubernetes.io/enforce=restricted'],
      ['create', 'serviceaccount', 'db-backup', '-n', 'backups'],
      ['create', 'secret', 'generic', 'emr-database', '-n', 'backups', '--from-literal=password=sikrit-42'],
    ]) {
      const { code, stderr } = await sandbox.kubectl(args)
      expect(code, stderr).toBe(0)
    }
  })
  afterAll(() => sandbox?.stop())

  /** @param job its settings @param annotations how the simulated pod behaves @param changes of the environment */
  function configuration(
    job: object,
    annotations: Record<string, string> = {},
    changes: { namespace?: string; backup?: { store?: string; job?: object } } = {},
  ): string {
    const { kubeconfig, context } = sandbox.status
    const environment = {
      cluster: { kubeconfig, context },
      namespace: changes.namespace ?? 'backups',
      aws: { accountId: '111111111111', region: 'us-east-1', profile: 'mine' },
      database: { host: 'db.internal', name: 'emr', user: 'emr_backup', password: { env: 'EMR_PASSWORD' } },
      backup: {
        store: changes.backup?.store ?? 's3://backups/prod',
        job: { image: IMAGE, annotations, ...job, ...changes.backup?.job },
      },
      // Of the sandbox's clock only what is read from the API runs fast.
      rollout: { containerConfig: '1s', podCreation: '1s' },
    }
    const folder = temporaryFolder({
      'emr.config.yaml': stringify({ services: {}, environments: { prod: environment } }),
    })
    return join(folder, 'emr.config.yaml')
  }
  const secret = { secret: { name: 'emr-database' } }
  const run = (verb: 'full' | 'incremental' | 'status', config: string, ...argv: string[]) =>
    runCommand(COMMANDS[`db-backup:${verb}`], ['prod', '--via', 'job', '--config', config, ...argv])
  const isFull = ({ metadata }: { metadata: { name: string } }) => metadata.name.includes('-full-')
  const jobs = async () =>
    JSON.parse((await sandbox.kubectl(['get', 'jobs', '-n', 'backups', '-o', 'json'])).stdout).items

  test('runs under the restricted pod security, tells its log, its result and its exit code, and knows no secret', async () => {
    const log = ['2026-03-14T03:15:00Z • Status: reading the slots', resultLine(STATUS)].join('\n')
    const config = configuration(secret, { 'sandbox.emr/log': log })
    const shown = await run('status', config)
    expect(shown.stderr).toMatch(/Z • status of prod as job\/\S+ • Status: reading the slots\n/)
    expect(shown.stdout).toContain('there is no good backup')
    // The simulated container ends with 0 whatever it says.
    expect(shown.exitCode).toBe(0)
    const json = await run('status', config, '--json')
    expect(JSON.parse(json.stdout)).toEqual(STATUS)

    const [job] = await jobs()
    const { spec, metadata } = job.spec.template
    const [container] = spec.containers
    expect(container.args).toEqual(['db-backup', 'status', 'prod', '--via=direct', '--json'])
    expect(container.image).toBe(IMAGE)
    expect(spec.serviceAccountName).toBe('db-backup')
    expect(metadata.annotations['emr/config']).toContain('file: /etc/emr-database/password')
    expect(metadata.annotations['emr/config']).not.toContain('profile')
    expect(JSON.stringify(job)).not.toContain('sikrit-42')
    expect(container.env.map(({ name }: { name: string }) => name)).not.toContain('EMR_PASSWORD')
  })

  test('what it runs is the same command with the same flags, and its configuration is one', async () => {
    const config = configuration(secret)
    const flags = [
      '--jobs=3',
      '--max-rate=50MB',
      '--annotate=ticket=OPS-1',
      '--annotate=by=me',
      '--fix-identity',
    ]
    await run('full', config, ...flags, '--lock-timeout', '2m')
    const { metadata, spec } = (await jobs()).find(isFull).spec.template
    const [topic, verb, ...argv] = spec.containers[0].args
    expect([topic, verb]).toEqual(['db-backup', 'full'])
    expect(argv).toEqual(
      expect.arrayContaining([
        '--jobs=3',
        '--max-rate=50000000B',
        '--annotate=by=me',
        '--lock-timeout=120000ms',
      ]),
    )
    const folder = temporaryFolder({ 'emr.config.yaml': metadata.annotations['emr/config'] })
    const there = await runCommand(COMMANDS['db-backup:full'], [
      ...argv,
      '--config',
      join(folder, 'emr.config.yaml'),
    ])
    // As far as it comes outside of the pod.
    expect(JSON.parse(there.stdout).error).toMatchObject({
      code: 'PASSWORD_MISSING',
      message: expect.stringContaining('/etc/emr-database/password'),
    })
  })

  test('a failure in the Job is the failure of the command', async () => {
    const error = {
      code: 'SLOT_BLOCKED',
      message: 'A transaction has been writing for 3 h',
      exitCode: 4,
      suggestions: ['--lock-timeout 10m'],
      details: { pid: 812 },
    }
    const config = configuration(secret, {
      'sandbox.emr/fault': 'fail',
      'sandbox.emr/log': resultLine({ error }),
    })
    const { exitCode, stdout, stderr } = await run('full', config, '--json')
    expect(exitCode).toBe(4)
    expect(JSON.parse(stdout)).toEqual({ error })
    expect(stderr).toContain('→ --lock-timeout 10m')
  })

  test.each([
    ['ends without a result', {}, /ended without telling its result/],
    [
      'is killed at its memory limit',
      { 'sandbox.emr/fault': 'oom' },
      /failed: OOMKilled.*\n.*heap close.*raise backup\.job\.memory/s,
    ],
  ])('a Job that %s has not succeeded', async (_how, annotations, message) => {
    const { exitCode, stderr } = await run('full', configuration(secret, annotations))
    expect(stderr).toMatch(message)
    expect(exitCode).toBe(5)
  })

  test.each([
    ['its image does not exist', { ...secret, image: `${IMAGE}-notfound` }, /the image does not exist/],
    ['its Secret is missing', { secret: { name: 'other' } }, /secret "other" not found/],
    [
      'its service account is missing',
      { ...secret, serviceAccount: 'other' },
      /serviceaccount "other" not found/,
    ],
  ])('it says why when %s, and leaves no Job behind', async (_why, job, message) => {
    const before = (await jobs()).length
    const { exitCode, stdout, stderr } = await run('incremental', configuration(job), '--json')
    expect(stderr).toMatch(message)
    expect(stderr).toMatch(/to do .*(emr history prod|emr deploy prod)/)
    expect(stderr).not.toMatch(/\b(ENV|SERVICE|NAME)\b/)
    expect(JSON.parse(stdout).error.code).toBe('JOB_NOT_STARTED')
    expect(exitCode).toBe(5)
    expect(await jobs()).toHaveLength(before)
  })

  test.each([
    ['no namespace', { namespace: 'nowhere', backup: {} }, 4, /no namespace nowhere/],
    ['no image', { backup: { job: { image: undefined } } }, 3, /lacks backup\.job\.image/],
    ['no password in the cluster', { backup: { job: { secret: undefined } } }, 3, /lacks database\.secret/],
    [
      'a directory of this machine',
      { backup: { store: './backups' } },
      2,
      /the directory is on this machine/,
    ],
  ])('it begins nothing with %s', async (_what, changes, code, message) => {
    const before = (await jobs()).length
    const { exitCode, stderr } = await run('full', configuration(secret, {}, changes))
    expect(stderr).toMatch(message)
    expect(exitCode).toBe(code)
    expect(await jobs()).toHaveLength(before)
  })

  test('Ctrl-C stops the Job', async () => {
    const config = configuration(secret, { 'sandbox.emr/fault': 'unready', 'sandbox.emr/log': 'at work' })
    const before = (await jobs()).length
    const program = startProgram(['db-backup', 'full', 'prod', '--via', 'job', '--config', config])
    await program.says('at work')
    expect(await jobs()).toHaveLength(before + 1)
    program.interrupt()
    expect((await program.ended).exitCode).toBe(130)
    expect(await jobs()).toHaveLength(before)
    const pods = await sandbox.kubectl([
      'get',
      'pods',
      '-n',
      'backups',
      '--field-selector=status.phase=Running',
    ])
    expect(pods.stdout).toBe('')
  })
})
