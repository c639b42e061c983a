import { createHash } from 'node:crypto'
import { type Gap, queryOf } from './gaps.ts'

/**
 * RDS: the emulator gives all instances one resource id, by which terraform then asks for them, and signs them by an
 * authority that AWS does not have, which terraform then changes: another two minutes for each.
 */
export function databaseInstances(): Gap {
  /** Identifiers of instances by their resource ids. */
  const identifiers = new Map<string, string>()
  return {
    answer(request) {
      const query = queryOf(request)
      for (const [name, value] of query) {
        const identifier = identifiers.get(value)
        if (identifier === undefined) continue
        query.set(name, identifier)
        const filter = name.replace(/\.Values\..*$/, '.Name')
        if (query.get(filter) === 'dbi-resource-id') query.set(filter, 'db-instance-id')
        request.body = query.toString()
      }
      return undefined
    },
    mend(_request, body) {
      if (!body.includes('<DbiResourceId>')) return body
      return body
        .replaceAll(/<DBInstance>.*?<\/DBInstance>/gs, (instance) => {
          const [, identifier = ''] = /<DBInstanceIdentifier>(.*?)</.exec(instance) ?? []
          const id = resourceId(identifier)
          identifiers.set(id, identifier)
          return instance.replace(/<DbiResourceId>.*?</, `<DbiResourceId>${id}<`)
        })
        .replaceAll('>rds-ca-default<', '>rds-ca-rsa2048-g1<')
    },
  }
}

function resourceId(identifier: string): string {
  const hash = createHash('sha256').update(identifier).digest('hex').slice(0, 26)
  return `db-${hash.toUpperCase()}`
}
