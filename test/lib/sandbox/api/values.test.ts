import { describe, expect, it } from 'vitest'
import {
  canonicalQuantity,
  formatQuantity,
  parseQuantity,
  quantityValue,
} from '../../../../src/lib/domain/quantity.ts'
import { decodeProtobuf } from '../../../../src/lib/sandbox/api/protobuf.ts'
import {
  matchesSelector,
  parseLabelSelector,
  selectorText,
} from '../../../../src/lib/sandbox/api/selectors.ts'
import { humanDuration } from '../../../../src/lib/sandbox/api/tables/printer.ts'
import { decode } from '../../../../src/lib/sandbox/schema/decode.ts'
import { builtInSchema, resolve, type Schema } from '../../../../src/lib/sandbox/schema/schema.ts'
import { fc } from '../property.ts'

describe('quantities', () => {
  it.each([
    ['0.5', '500m'],
    ['1000m', '1'],
    ['1024Mi', '1Gi'],
    ['1.5Gi', '1536Mi'],
    ['1000Ki', '1000Ki'],
    ['1e3', '1k'],
    ['100000', '100k'],
    ['0', '0'],
    ['-1500m', '-1500m'],
    ['12345678n', '12345678n'],
    ['1500u', '1500u'],
  ])('%s is %s', (text, canonical) => {
    expect(canonicalQuantity(text)).toBe(canonical)
  })

  it('refuses what is none', () => {
    for (const text of ['', 'm', '1Q', '1.2.3', 'one']) expect(parseQuantity(text)).toBeUndefined()
  })

  it('keeps its value when it is written and read again', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 24n }), fc.boolean(), (billionths, binary) => {
        expect(parseQuantity(formatQuantity(billionths, binary))?.billionths).toBe(billionths)
      }),
    )
  })

  it('is a number of units', () => {
    expect(quantityValue('250m')).toBe(0.25)
    expect(quantityValue('2Ki')).toBe(2048)
    expect(quantityValue(undefined)).toBe(0)
  })
})

describe('label selectors', () => {
  const labels = { app: 'web', tier: 'front' }

  it.each([
    ['app=web', true],
    ['app==api', false],
    ['app!=api', true],
    ['missing!=x', true],
    ['app in (api, web),tier', true],
    ['app notin (web)', false],
    ['!missing', true],
    ['!app', false],
    ['', true],
  ])('%s: %s', (text, matches) => {
    expect(parseLabelSelector(text)(labels)).toBe(matches)
  })

  it('refuses what it cannot read', () => {
    expect(() => parseLabelSelector('a b c')).toThrow('unable to parse requirement')
  })

  it('as an object', () => {
    const selector = {
      matchLabels: { app: 'web' },
      matchExpressions: [
        { key: 'tier', operator: 'In', values: ['front', 'back'] },
        { key: 'x', operator: 'DoesNotExist' },
      ],
    }
    expect(matchesSelector(selector, labels)).toBe(true)
    expect(matchesSelector(selector, { app: 'web' })).toBe(false)
    expect(matchesSelector({}, {})).toBe(true)
    expect(matchesSelector(undefined, {})).toBe(false)
    expect(selectorText(selector)).toBe('app=web,tier in (front,back),!x')
  })
})

describe('reading by schema', () => {
  const schema = resolve(builtInSchema({ group: 'apps', version: 'v1', kind: 'Deployment' }) as Schema)

  it('drops nulls, empty lists and unknown fields, and tells of the last', () => {
    const { value, unknownFields } = decode(
      {
        spec: {
          replicas: null,
          selector: {},
          template: { spec: { containers: [{ name: 'a', args: [], imagee: 'x' }] } },
        },
      },
      schema,
    )
    expect(value).toEqual({ spec: { selector: {}, template: { spec: { containers: [{ name: 'a' }] } } } })
    expect(unknownFields).toEqual(['spec.template.spec.containers[0].imagee'])
  })

  it('tells of wrong types', () => {
    expect(decode({ spec: { replicas: '2' } }, schema).mistyped).toEqual([
      {
        path: 'spec.replicas',
        message: 'json: cannot unmarshal string into Go struct field .spec.replicas of type int32',
      },
    ])
  })
})

describe('protobuf', () => {
  it('refuses fields that it would lose', () => {
    const configMap = Buffer.from([0x0a, 0x03, 0x0a, 0x01, 0x61, 0x7a, 0x01, 0x31])
    const typeMeta = Buffer.concat([
      Buffer.from([0x0a, 2]),
      Buffer.from('v1'),
      Buffer.from([0x12, 9]),
      Buffer.from('ConfigMap'),
    ])
    const envelope = Buffer.concat([
      Buffer.from('k8s\0'),
      Buffer.from([0x0a, typeMeta.length]),
      typeMeta,
      Buffer.from([0x12, configMap.length]),
      configMap,
    ])
    expect(() => decodeProtobuf(envelope)).toThrow('fields that the sandbox does not know')
    expect(() => decodeProtobuf(Buffer.from('{}'))).toThrow('lacks its prefix')
  })
})

describe('ages', () => {
  const minute = 60_000
  const hour = 60 * minute
  const day = 24 * hour

  it.each([
    [-5_000, '<invalid>'],
    [0, '0s'],
    [119_000, '119s'],
    [2 * minute + 5_000, '2m5s'],
    [10 * minute, '10m'],
    [3 * hour + 5 * minute, '3h5m'],
    [8 * hour, '8h'],
    [2 * day + hour, '2d1h'],
    [9 * day, '9d'],
    [800 * day, '2y70d'],
  ])('%d ms are %s', (ms, text) => {
    expect(humanDuration(ms)).toBe(text)
  })
})
