import type { Ingress } from 'kubernetes-types/networking/v1.js'
import type { Cluster } from './cluster.ts'
import { types } from './types.ts'

const MANAGER = 'aws-load-balancer-controller'

/** Gives each Ingress the address of its load balancer, as the AWS Load Balancer Controller does. */
export function startIngressStatus(cluster: Cluster): void {
  const ingresses = cluster.collection<Ingress>(types.ingresses)
  const queue = cluster.queue(async (uid) => {
    const ingress = ingresses.byUid(uid)
    if (!ingress || ingress.metadata?.deletionTimestamp) return undefined
    const { namespace = '', name = '' } = ingress.metadata ?? {}
    const isNew = !ingress.status?.loadBalancer?.ingress?.length
    const hostname = `k8s-${namespace.replaceAll('-', '').slice(0, 8)}-${name.replaceAll('-', '').slice(0, 8)}-${uid.slice(0, 10).replaceAll('-', '')}.us-east-1.elb.amazonaws.com`
    const status = { loadBalancer: { ingress: [{ hostname }] } }
    await cluster.setStatus(types.ingresses, ingress, status, MANAGER)
    if (isNew) {
      const draft = {
        type: 'Normal',
        reason: 'SuccessfullyReconciled',
        message: 'Successfully reconciled',
      } as const
      cluster.events.record(ingress, { component: 'ingress' }, draft)
    }
    return undefined
  })
  ingresses.onChange(({ metadata }, isDeleted) => {
    if (!isDeleted) queue.add(metadata?.uid ?? '')
  })
}
