import { writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openProject, type Project, type Started, seen } from '../project.ts'

describe('one operation at a time', () => {
  let project: Project
  beforeAll(async () => {
    project = await openProject({
      helm: '3',
      environments: { race: {}, wait: {}, dead: {}, fence: {}, frozen: {} },
    })
    await Promise.all(
      ['race', 'wait', 'dead', 'fence', 'frozen'].map((name) => project.emr('deploy', name, '--tag', 'v1')),
    )
  })
  afterAll(() => project?.close())

  const lease = async (environment: string) => {
    const { stdout } = await project.kubectl(
      'get',
      'lease',
      'emr-lock',
      '-n',
      project.namespaceOf(environment),
      '-o',
      'json',
    )
    return JSON.parse(stdout)
  }
  /** A deploy that holds the lock until it is stopped. */
  const holding = async (environment: string): Promise<Started> => {
    const deploy = project.start('deploy', environment, '--tag', 'v2-unready')
    await seen(deploy, /\d of \d new pods ready/)
    return deploy
  }
  const stop = async ({ child, ended }: Started) => {
    child.kill('SIGCONT')
    child.kill('SIGINT')
    return ended
  }

  test('a second deploy fails with exit 8, naming the other, its owner and its age', async () => {
    const first = await holding('race')
    const second = await project.emr('deploy', 'race', '--tag', 'v3', '--json')
    expect(second.code).toBe(8)
    const { error } = JSON.parse(second.stdout)
    expect(error.code).toBe('LOCKED')
    expect(error.message).toMatch(
      /^race is locked by deploy \d{8}T\d{6}Z-\w{4} of .+@.+ \(process \d+\), since /,
    )
    expect(error.details.holder).toMatchObject({ operation: 'deploy', pid: first.child.pid })
    expect((await project.emr('rollback', 'race', 'all')).code).toBe(8)
    expect((await stop(first)).code).toBe(130)
    expect((await lease('race')).spec.holderIdentity).toBeFalsy()
  })

  test('with --wait-lock it waits its turn', async () => {
    const first = await holding('wait')
    const second = project.start('deploy', 'wait', '--tag', 'v3', '--wait-lock', '1m')
    await seen(second, /waiting for deploy /)
    await stop(first)
    const { code, stderr } = await second.ended
    expect(code, stderr).toBe(0)
  })

  test('two at the very same moment: one deploys, the other is told who', async () => {
    const both = await Promise.all(['v4', 'v5'].map((tag) => project.emr('deploy', 'race', '--tag', tag)))
    const codes = both.map(({ code }) => code).sort()
    expect([
      [0, 0],
      [0, 8],
    ]).toContainEqual(codes)
    for (const { code, stderr } of both) if (code === 8) expect(stderr).toMatch(/race is locked by deploy/)
  })

  test('the lock of a killed process is taken over at once, with a word on what was half done', async () => {
    const first = await holding('dead')
    first.child.kill('SIGKILL')
    await first.ended
    expect((await lease('dead')).spec.holderIdentity).toBeTruthy()
    const next = await project.emr('deploy', 'dead', '--tag', 'v3')
    expect(next.code, next.stderr).toBe(0)
    expect(next.stderr).toMatch(
      /▲ deploy \S+ of \S+ was cut off in the phase 'services'; it had begun to change: /,
    )
    const { stdout } = await project.emr('history', 'dead', '--verify')
    expect(stdout).toContain('abandoned')
    expect(stdout).toContain('unbroken')
  })

  test('a paused process whose lock was taken over writes nothing more', async () => {
    const first = await holding('fence')
    first.child.kill('SIGSTOP')
    // As if the pause had lasted longer than the heartbeat may be away.
    const pausedAt = Date.now()
    const old = await lease('fence')
    old.spec.renewTime = '2020-01-01T00:00:00.000000Z'
    writeFileSync(`${project.folder}/lease.json`, JSON.stringify(old))
    await project.kubectl('replace', '-f', `${project.folder}/lease.json`)
    const second = await project.emr('deploy', 'fence', '--tag', 'v3')
    expect(second.code, second.stderr).toBe(0)
    /** Everything that emr and helm write. */
    const records = async () => {
      const where = [
        '-n',
        project.namespaceOf('fence'),
        '-o',
        'jsonpath={.items[*].metadata.resourceVersion}',
      ]
      const own = await project.kubectl(
        'get',
        'configmaps',
        '-l',
        'app.kubernetes.io/managed-by=emr',
        ...where,
      )
      const releases = await project.kubectl('get', 'secrets', '-l', 'owner=helm', ...where)
      return own.stdout + releases.stdout
    }
    const before = await records()
    // A pause that is shorter than two heartbeats cannot cost the lock, so it is not looked into.
    await delay(Math.max(0, pausedAt + 11_000 - Date.now()))
    first.child.kill('SIGCONT')
    const { code, stderr } = await first.ended
    expect(code, stderr).toBe(8)
    expect(stderr).toMatch(/the lock on fence was lost: deploy \S+ of .+ has taken it over/)
    expect(await records()).toBe(before)
  })

  test('a frozen environment refuses, says why and by whom, and opens again', async () => {
    const lock = await project.emr('lock', 'frozen', '--reason', 'quarter-end close')
    expect(lock.code, lock.stderr).toBe(0)
    for (const words of [
      ['deploy', 'frozen', '--tag', 'v2'],
      ['rollback', 'frozen', 'task-service', '--revision', '1'],
    ]) {
      const refused = await project.emr(...words)
      expect(refused.code).toBe(8)
      expect(refused.stderr).toMatch(/frozen is frozen by .+ since .+: quarter-end close/)
    }
    expect((await project.emr('lock', 'frozen', '--reason', 'lunch')).code).toBe(8)
    expect((await project.emr('lock', 'frozen', '--reason', ' ')).code).toBe(2)
    expect((await project.emr('unlock', 'frozen')).code).toBe(0)
    expect((await project.emr('deploy', 'frozen', '--tag', 'v2')).code).toBe(0)
    const { stdout } = await project.emr('history', 'frozen', '--json')
    const operations = JSON.parse(stdout).operations.map(({ operation }: { operation: string }) => operation)
    expect(operations.slice(0, 3)).toEqual(['deploy', 'unlock', 'lock'])
  })
})
