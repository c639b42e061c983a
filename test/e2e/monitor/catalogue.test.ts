import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { readEnvironment } from '../../../src/lib/adapters/kubernetes/environment-facts.ts'
import { Workloads } from '../../../src/lib/adapters/kubernetes/workloads.ts'
import { readAws } from '../../../src/lib/cli/diagnose-aws.ts'
import { CATALOGUE } from '../../../src/lib/domain/diagnosis/catalogue.ts'
import type { Environment } from '../../../src/lib/domain/environment.ts'
import {
  type DiagnosedFinding,
  type Diagnosis,
  diagnoseEnvironment,
} from '../../../src/lib/workflows/diagnose.ts'
import { thresholds } from '../../lib/domain/rollout/facts.ts'
import { type CloudState, startRecordedCloud } from '../../support/cloudwatch-recorded.ts'
import { CaseCluster, type CaseObject, NAMESPACE, readCatalogue } from './case-cluster.ts'
import { networkCases } from './database-network-cases.ts'

/** What a cluster, and an account, hold at one moment: the healthy environment with some changes. */
interface Case {
  /** What happened. */
  when: string
  /** When it is looked at. */
  at?: string
  changes?: CaseObject[]
  /** Of consequences.yaml. */
  consequences?: string
  aws?: CloudState
}

interface CaseFile {
  /** `finds` is part of the first finding; `effects` are what it explains. */
  fires: (Case & { finds: Partial<DiagnosedFinding>; effects?: string[] })[]
  /** What only looks like it; `instead` are the codes that are found, none where it is not given. */
  near: (Case & { instead?: string[] })[]
}

const HALF_AN_HOUR_LATER = '2026-03-02T10:30:00Z'
const SHARED = ['environment.yaml', 'consequences.yaml']

const consequences = readCatalogue<Record<string, CaseObject[]>>('consequences.yaml')
const files = readdirSync(join(import.meta.dirname, 'catalogue')).filter((file) => !SHARED.includes(file))
const catalogue = files.map((file) => ({ code: file.replace('.yaml', ''), ...readCatalogue<CaseFile>(file) }))

describe('the catalogue of emr diagnose', () => {
  const states: Record<string, CloudState> = {}
  let cloud: Awaited<ReturnType<typeof startRecordedCloud>>
  beforeAll(async () => {
    cloud = await startRecordedCloud(states)
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'testing')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'testing')
  })
  afterAll(() => {
    vi.unstubAllEnvs()
    cloud.close()
  })

  /** Reads a cluster and an account as `emr diagnose` does, when the clock says so. */
  const diagnose = async ({
    at = HALF_AN_HOUR_LATER,
    changes = [],
    aws,
    ...rest
  }: Partial<Case>): Promise<Diagnosis> => {
    const further = rest.consequences ? (consequences[rest.consequences] ?? []) : []
    const cluster = await CaseCluster.open([...further, ...changes])
    try {
      const signal = AbortSignal.timeout(60_000)
      const { environment, read } = account(aws, signal)
      return await diagnoseEnvironment({
        environment,
        kubectl: 'kubectl --context staging',
        read: async () => {
          const [own, cloud] = [await readEnvironment(cluster.client, NAMESPACE, signal), await read()]
          return { facts: { ...own.facts, ...cloud.facts }, gaps: [...own.gaps, ...cloud.gaps] }
        },
        workloads: new Workloads(cluster.client, NAMESPACE),
        signal,
        now: () => cluster.momentOf(at),
      })
    } finally {
      cluster.close()
    }
  }
  const account = (state: CloudState | undefined, signal: AbortSignal) => {
    const name = 'staging'
    states[name] = { alarms: [], ...state }
    const endpoint = `${cloud.url}/${name}`
    const environment = {
      name,
      namespace: NAMESPACE,
      cluster: { kind: 'sandbox' },
      services: [{ name: 'task-service' }],
      rollout: thresholds,
      ...(state && { aws: { accountId: '222222222222', region: 'us-east-1', endpoint } }),
    } as unknown as Environment
    return { environment, read: () => readAws(environment, signal) }
  }

  test('has a case and a near miss of every code', () => {
    // What lies between pods and database is tried on an emulated network: see database-network.test.ts.
    const network = Object.entries(networkCases).map(([code, cases]) => ({ code, ...cases }))
    // What records of operations show is proved in safety/unfinished.test.ts.
    const ofRecords = ['OPERATION_UNFINISHED', 'RECORD_DAMAGED', 'VERSION_UNEXPLAINED']
    const proved = [...catalogue, ...network].filter(({ fires, near }) => fires.length > 0 && near.length > 0)
    expect([...proved.map(({ code }) => code), ...ofRecords].sort()).toEqual(Object.keys(CATALOGUE).sort())
  })

  test('finds nothing in the healthy environment that the cases change', async () => {
    const { health, findings, notEvaluated, pods } = await diagnose({})
    expect({ health, findings, notEvaluated, pods }).toEqual({
      health: 'healthy',
      findings: [],
      notEvaluated: [],
      pods: 2,
    })
  })

  test('a release that cannot be read is not evaluated, and nothing of its Secret is told', async () => {
    const release = Buffer.from('password=hunter2').toString('base64')
    const secret: CaseObject = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'sh.helm.release.v1.odd.v1', labels: { owner: 'helm', status: 'deployed' } },
      data: { release },
    }
    const diagnosis = await diagnose({ changes: [secret] })
    const why = 'The Secret sh.helm.release.v1.odd.v1 holds no release that emr can read'
    expect(diagnosis).toMatchObject({ health: 'unknown', notEvaluated: [{ what: 'helm releases', why }] })
    expect(JSON.stringify(diagnosis)).not.toMatch(/hunter2|aHVudGVyMg/)
  })

  describe.each(catalogue)('$code', ({ code, fires, near }) => {
    test.each(fires)('comes first: $when', async ({ finds, effects = [], ...state }) => {
      const { findings, notEvaluated } = await diagnose(state)
      expect(notEvaluated).toEqual([])
      const [first] = findings
      const { message, advice, ...exact } = finds
      expect(first, JSON.stringify(findings, null, 1)).toMatchObject({ code, ...exact })
      expect(first?.message).toContain(message ?? '')
      expect(first?.advice).toContain(advice ?? '')
      expect(first?.effects.map((effect) => effect.code)).toEqual(expect.arrayContaining(effects))
      for (const each of findings.flatMap((finding) => [finding, ...finding.more, ...finding.effects])) {
        expect(each.advice).toMatch(/(^|[ (`])(emr|kubectl --context staging|aws( --region us-east-1)?) /)
        expect(each.advice).not.toMatch(/\b(ENV|NAMESPACE|SERVICE|NAME|NODE|CORDONED)\b/)
      }
    })
    test.each(near)('is not: $when', async ({ instead = [], ...state }) => {
      const { findings } = await diagnose(state)
      const found = findings
        .flatMap((finding) => [finding, ...finding.effects])
        .map((finding) => finding.code)
      expect(found).not.toContain(code)
      expect(findings.slice(0, Math.max(1, instead.length)).map((finding) => finding.code)).toEqual(instead)
    })
  })
})
