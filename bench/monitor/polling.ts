/** `node polling.ts FOLDER NAMESPACE`: lists all pods of a namespace every two seconds, as simple dashboards do. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Pod } from 'kubernetes-types/core/v1.js'
import { resources } from '../../src/lib/adapters/kubernetes/resources.ts'
import { adminOf } from '../../src/lib/sandbox/lifecycle.ts'

const [folder = '', namespace = ''] = process.argv.slice(2)
const client = adminOf(folder)
while (client) {
  const { items } = await client.list<Pod>(resources.pods, { namespace })
  const running = items.filter(({ status }) => status?.phase === 'Running')
  process.stdout.write(`${running.length} of ${items.length} pods run\n`)
  await delay(2_000)
}
