import { type Gap, json, xml } from './gaps.ts'

/**
 * Bucket policies and logging. The emulator takes every Deny for a denial whatever its conditions, and does not let a
 * bucket log without a policy; so it gets to see neither.
 */
export function bucketDocuments(): Gap {
  const documents = new Map<string, string>()
  const empty: Record<string, string> = { logging: '<BucketLoggingStatus/>' }
  return {
    answer({ method, url, body }) {
      const kind = ['policy', 'logging'].find((name) => url.searchParams.has(name))
      if (kind === undefined) return undefined
      const key = `${kind} ${url.pathname.replace(/\/$/, '')}`
      if (method === 'PUT') documents.set(key, body)
      if (method === 'DELETE') documents.delete(key)
      if (method !== 'GET') return xml('', method === 'PUT' ? 200 : 204)
      const document = documents.get(key) ?? empty[kind]
      if (document !== undefined)
        return { status: 200, type: kind === 'policy' ? 'json' : 'xml', body: document }
      return xml('<Error><Code>NoSuchBucketPolicy</Code><Message>none</Message></Error>', 404)
    },
  }
}

/** AWS Backup: what a plan selects. */
export function backupSelections(): Gap {
  const selections = new Map<string, unknown>()
  return {
    answer({ method, url, body }) {
      const [, plan, id] = /^\/backup\/plans\/([^/]+)\/selections\/?([^/]*)$/.exec(url.pathname) ?? []
      if (plan === undefined) return undefined
      if (method === 'PUT') {
        const SelectionId = `selection-${selections.size + 1}`
        selections.set(SelectionId, JSON.parse(body).BackupSelection)
        return json({ BackupPlanId: plan, SelectionId, CreationDate: 0 })
      }
      if (method === 'DELETE') return selections.delete(String(id)) ? json({}) : json({}, 404)
      const BackupSelection = selections.get(String(id))
      if (BackupSelection === undefined) {
        return json({ __type: 'ResourceNotFoundException', Code: 'ERROR_RESOURCE_NOT_FOUND' }, 400)
      }
      return json({ BackupPlanId: plan, SelectionId: id, CreationDate: 0, BackupSelection })
    },
  }
}

/** CloudTrail: the emulator knows trails by name alone, where AWS takes the ARN as well. */
export const trailsByArn: Gap = {
  answer(request) {
    if (String(request.headers['x-amz-target']).includes('CloudTrail')) {
      request.body = request.body.replace(/"arn:aws:cloudtrail:[^"]*:trail\/([^"]+)"/g, '"$1"')
    }
    return undefined
  },
}

/** Application Auto Scaling: the emulator fails on the tags of a target, and terraform asks again for twenty minutes. */
export const scalingTags: Gap = {
  answer: ({ headers }) =>
    String(headers['x-amz-target']).endsWith('AnyScaleFrontendService.ListTagsForResource')
      ? json({ Tags: {} })
      : undefined,
}
