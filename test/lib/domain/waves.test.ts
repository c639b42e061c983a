import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Dependent, wavesOf } from '../../../src/lib/domain/waves.ts'

test('independent services share a wave and the gateway comes last', () => {
  const services = [
    { name: 'api-gateway', needs: ['task-service', 'emr-service'] },
    { name: 'task-service', needs: [] },
    { name: 'emr-service', needs: [] },
  ]
  expect(wavesOf(services).map((wave) => wave.map(({ name }) => name))).toEqual([
    ['task-service', 'emr-service'],
    ['api-gateway'],
  ])
})

test('a need that is not deployed this time is taken as met', () => {
  expect(wavesOf([{ name: 'api-gateway', needs: ['task-service'] }])).toHaveLength(1)
})

test('a circle is named, without the services that only lead to it', () => {
  const services = [
    { name: 'd', needs: ['a'] },
    { name: 'a', needs: ['b'] },
    { name: 'b', needs: ['c'] },
    { name: 'c', needs: ['a'] },
  ]
  expect(() => wavesOf(services)).toThrow('a -> b -> c -> a')
})

test('every service is in one wave, and no need is in its own or a later one', () => {
  // Needs only earlier names, so that there is no circle.
  const graph = fc.array(fc.array(fc.nat(), { maxLength: 4 }), { maxLength: 12 }).map((needs): Dependent[] =>
    needs.map((list, i) => ({
      name: `s${i}`,
      needs: i === 0 ? [] : [...new Set(list.map((n) => `s${n % i}`))],
    })),
  )
  fc.assert(
    fc.property(graph, (services) => {
      const waves = wavesOf(services)
      const waveOf = new Map(waves.flatMap((wave, index) => wave.map(({ name }) => [name, index] as const)))
      expect(waves.flat()).toHaveLength(services.length)
      for (const { name, needs } of services) {
        for (const need of needs) expect(waveOf.get(need)).toBeLessThan(waveOf.get(name) ?? -1)
      }
    }),
  )
})
