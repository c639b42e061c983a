import { type Gap, json } from './gaps.ts'

/** MSK: configurations and brokers' addresses; clusters that come to life. */
export function kafka(): Gap {
  const configurations = new Map<string, Record<string, unknown>>()
  return {
    answer({ method, url, body }) {
      const path = decodeURIComponent(url.pathname)
      if (path.endsWith('/bootstrap-brokers'))
        return json({ bootstrapBrokerStringSaslIam: 'b-1.kafka:9098,b-2.kafka:9098' })
      const [, arn, below] = /^\/v1\/configurations\/?(arn:[^/]+\/[^/]+\/[^/]+)?(\/.*)?$/.exec(path) ?? []
      if (!path.startsWith('/v1/configurations')) return undefined
      if (method === 'POST') {
        const input = JSON.parse(body)
        const id = `${configurations.size + 1}`.padStart(8, '0')
        const made = {
          arn: `arn:aws:kafka:us-east-1:123456789012:configuration/${input.name}/${id}-0000-0000-0000-000000000000-1`,
          creationTime: '2026-01-01T00:00:00Z',
          latestRevision: {
            creationTime: '2026-01-01T00:00:00Z',
            description: input.description,
            revision: 1,
          },
          ...{
            name: input.name,
            state: 'ACTIVE',
            kafkaVersions: input.kafkaVersions ?? [],
            description: input.description,
          },
        }
        configurations.set(made.arn, { ...made, serverProperties: input.serverProperties })
        return json(made)
      }
      const found = configurations.get(String(arn))
      if (found === undefined)
        return json({ __type: 'NotFoundException', message: 'Configuration ARN does not exist' }, 404)
      if (method === 'DELETE') configurations.delete(String(arn))
      if (below === undefined) return json({ ...found, state: method === 'DELETE' ? 'DELETING' : 'ACTIVE' })
      return json({ ...found, revision: 1 })
    },
    mend({ url }, body) {
      return /\/clusters\//.test(url.pathname) ? body.replaceAll('"CREATING"', '"ACTIVE"') : body
    },
  }
}
