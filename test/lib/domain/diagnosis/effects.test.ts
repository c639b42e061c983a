import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CATALOGUE, type Finding, type FindingCode } from '../../../../src/lib/domain/diagnosis/catalogue.ts'
import { EFFECTS } from '../../../../src/lib/domain/diagnosis/effects.ts'
import { rank } from '../../../../src/lib/domain/diagnosis/evaluate.ts'

const CODES = Object.keys(CATALOGUE) as FindingCode[]
/** Few names, so that findings are about the same pod, node, service, Secret or database as often as not. */
const name = fc.constantFrom('a', 'b')
const finding: fc.Arbitrary<Finding> = fc.record(
  {
    code: fc.constantFrom(...CODES),
    object: fc.record({
      kind: fc.constantFrom('Pod', 'Deployment', 'NetworkPolicy', 'ConfigMap'),
      name,
      uid: name,
    }),
    service: name,
    node: name,
    owner: name,
    secret: name,
    reason: fc.constant('Reason'),
    message: fc.constantFrom(
      'no such host',
      'exceeded quota: a, used',
      'configmap "a" not found',
      'secret "a" not found',
      'PersistentVolumeClaim is not bound: ENOTFOUND',
    ),
    advice: fc.constant('kubectl get pods'),
  },
  { requiredKeys: ['code', 'object', 'reason', 'message', 'advice'] },
)
const listed = (cause: FindingCode, effect: FindingCode) => EFFECTS[cause]?.includes(effect) ?? false

test('what is called an effect is listed as one, of its cause or of another effect of it', () => {
  fc.assert(
    fc.property(fc.array(finding, { maxLength: 12 }), (findings) => {
      for (const { code, effects } of rank(findings))
        for (const effect of effects)
          expect(
            [code, ...effects.map((each) => each.code)].some((cause) => listed(cause, effect.code)),
          ).toBe(true)
    }),
    { numRuns: 2_000 },
  )
})

test('no finding is lost or counted twice', () => {
  fc.assert(
    fc.property(fc.array(finding, { maxLength: 12 }), (findings) => {
      const codes = rank(findings).flatMap(({ code, effects }) => [
        code,
        ...effects.map((effect) => effect.code),
      ])
      expect(new Set(codes)).toEqual(new Set(findings.map(({ code }) => code)))
    }),
  )
})

test.each(['ROLLOUT_PAUSED', 'PORT_UNDECLARED', 'PORT_MISMATCH'] as const)(
  '%s is the effect of nothing',
  (code) => {
    expect(CODES.filter((cause) => listed(cause, code))).toEqual([])
  },
)

test('an effect lies in a higher layer than its cause, and only problems have effects', () => {
  for (const cause of CODES)
    for (const effect of EFFECTS[cause] ?? []) {
      expect(CATALOGUE[cause].layer, `${cause} ${effect}`).toBeLessThan(CATALOGUE[effect].layer)
      expect(CATALOGUE[cause].severity).toBe('problem')
    }
})
