import { rootCertificates } from 'node:tls'
import { type ApiAnswer, type ApiRequest, type Gap, json } from './gaps.ts'

const notFound = () => json({ message: 'No such resource', __type: 'ResourceNotFoundException' }, 404)

/** Some certificate; the emulator's own is random text, which kubectl would refuse as well. */
const AUTHORITY = Buffer.from(rootCertificates[0] ?? '').toString('base64')

/** EKS: add-ons and access entries, and clusters whose authority has a certificate. */
export function eksParts(): Gap {
  const addons = new Map<string, Record<string, unknown>>()
  const entries = new Map<string, Record<string, unknown>>()
  const policies = new Map<string, Record<string, unknown>[]>()
  const arn = (cluster: string, rest: string) =>
    `arn:aws:eks:us-east-1:123456789012:${rest.replace('*', cluster)}`

  const addon = ({ method, body }: ApiRequest, cluster: string, name: string): ApiAnswer => {
    if (method === 'POST' && name === '') {
      const input = JSON.parse(body)
      addons.set(`${cluster}/${input.addonName}`, {
        ...{
          addonVersion: 'v1.0.0',
          ...input,
          clusterName: cluster,
          status: 'ACTIVE',
          health: { issues: [] },
        },
        addonArn: arn(cluster, `addon/*/${input.addonName}/1`),
        ...{ createdAt: 0, modifiedAt: 0 },
      })
      return json({ addon: addons.get(`${cluster}/${input.addonName}`) })
    }
    const found = addons.get(`${cluster}/${name}`)
    if (found === undefined) return notFound()
    if (method === 'DELETE') addons.delete(`${cluster}/${name}`)
    return json({ addon: found })
  }

  const entry = ({ method, body }: ApiRequest, cluster: string, principal: string): ApiAnswer => {
    if (method === 'POST' && principal === '') {
      const input = JSON.parse(body)
      entries.set(`${cluster}/${input.principalArn}`, {
        ...{
          kubernetesGroups: [],
          type: 'STANDARD',
          username: input.principalArn,
          ...input,
          clusterName: cluster,
        },
        accessEntryArn: arn(cluster, 'access-entry/*/1'),
        ...{ createdAt: 0, modifiedAt: 0 },
      })
      return json({ accessEntry: entries.get(`${cluster}/${input.principalArn}`) })
    }
    const found = entries.get(`${cluster}/${principal}`)
    if (found === undefined) return notFound()
    if (method === 'DELETE') entries.delete(`${cluster}/${principal}`)
    return json({ accessEntry: found })
  }

  const policy = (
    { method, body }: ApiRequest,
    cluster: string,
    principal: string,
    policyArn: string,
  ): ApiAnswer => {
    const key = `${cluster}/${principal}`
    const all = policies.get(key) ?? []
    if (method === 'POST') {
      const added = { associatedAt: 0, modifiedAt: 0, ...JSON.parse(body) }
      policies.set(key, [...all, added])
      return json({ clusterName: cluster, principalArn: principal, associatedAccessPolicy: added })
    }
    if (method === 'DELETE') {
      policies.set(
        key,
        all.filter((each) => each.policyArn !== policyArn),
      )
      return json({})
    }
    return json({ clusterName: cluster, principalArn: principal, associatedAccessPolicies: all })
  }

  return {
    mend({ url }, body) {
      if (!/^\/clusters(\/[^/]+)?$/.test(url.pathname)) return body
      const answer = JSON.parse(body)
      if (answer.cluster?.certificateAuthority?.data === undefined) return body
      answer.cluster.certificateAuthority.data = AUTHORITY
      return JSON.stringify(answer)
    },
    answer(request) {
      const parts = request.url.pathname.split('/').map(decodeURIComponent)
      const [, root, cluster = '', kind, name = '', below, last = ''] = parts
      if (root !== 'clusters') return undefined
      if (kind === 'addons') return addon(request, cluster, name)
      if (kind === 'access-entries' && below === 'access-policies')
        return policy(request, cluster, name, last)
      if (kind === 'access-entries') return entry(request, cluster, name)
      return undefined
    },
  }
}
