import { expect, test } from 'vitest'
import type { Environment } from '../../../src/lib/domain/environment.ts'
import { follow } from '../../../src/lib/workflows/monitor.ts'
import { thresholds } from '../domain/rollout/facts.ts'

test('who waits for a change that does not come gives up before it waits again', async () => {
  const stop = new AbortController()
  const waits: AbortSignal[] = []
  const sources = [{ name: 'pods', state: 'ok' as const, at: 1 }]
  await follow(
    {
      environment: { name: 'e', namespace: 'n', services: [], rollout: thresholds } as unknown as Environment,
      sight: () => ({
        ...{ deployments: [], pods: [], warnings: [], autoscalers: [], nodes: [] },
        sources,
        lastContact: 1,
      }),
      changed: async (waiting) => {
        expect(waits.every(({ aborted }) => aborted)).toBe(true)
        waits.push(waiting)
        const given = new Promise((resolve) => waiting.addEventListener('abort', resolve, { once: true }))
        if (waits.length === 2) stop.abort()
        await given
      },
      signal: stop.signal,
      now: () => 1,
    },
    () => undefined,
  )
  expect(waits).toHaveLength(2)
})
