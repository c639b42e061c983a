import { expect, test } from 'vitest'
import { databaseFindings, nodeFindings } from '../../../../src/lib/domain/diagnosis/cluster.ts'
import { pictureOf } from '../../../../src/lib/domain/monitor/picture.ts'
import { deployment, node } from '../diagnosis/facts.ts'
import { healthy, thresholds } from '../rollout/facts.ts'

const NOW = 3_600_000

/** What monitor and diagnose say of the same database and node. */
function saidOf({ status = 'available', age = NOW, ready = true }): [monitor: string, diagnose: string[]] {
  const [databases, nodes] = [[{ id: 'd', status }], [node({ ready, createdAt: NOW - age })]]
  const pods = [
    { ...healthy('a'), service: 'app' },
    { ...healthy('b'), service: 'app' },
  ]
  const picture = pictureOf(
    {
      deployments: [deployment()],
      pods,
      databases,
      nodes,
      sources: [{ name: 'pods', state: 'ok', at: NOW }],
      lastContact: NOW,
    },
    { environment: 'e', namespace: 'n', services: ['app'], rollout: thresholds },
    NOW,
  )
  const findings = [...databaseFindings({ databases }), ...nodeFindings({ nodes }, NOW)]
  return [picture.health, findings.map(({ code }) => code)]
}

// All statuses of https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html that an instance of
// PostgreSQL can have.
test.each([
  'available',
  'backing-up',
  'configuring-enhanced-monitoring',
  'configuring-iam-database-auth',
  'configuring-log-exports',
  'modifying',
  'resetting-master-credentials',
  'storage-initialization',
  'storage-optimization',
])('a database that is %s serves', (status) => {
  expect(saidOf({ status })).toEqual(['healthy', []])
})
test.each([
  'creating',
  'delete-precheck',
  'deleting',
  'failed',
  'inaccessible-encryption-credentials',
  'inaccessible-encryption-credentials-recoverable',
  'incompatible-network',
  'incompatible-option-group',
  'incompatible-parameters',
  'incompatible-restore',
  'insufficient-capacity',
  'maintenance',
  'missing',
  'moving-to-vpc',
  'rebooting',
  'renaming',
  'restore-error',
  'starting',
  'stopped',
  'stopping',
  'storage-config-upgrade',
  'storage-full',
  'upgrading',
  'of-next-year',
])('a database that is %s does not', (status) => {
  expect(saidOf({ status })).toEqual(['unhealthy', ['DATABASE_DOWN']])
})

test.each([
  ['has just joined', 119_000, 'healthy', []],
  ['has had its time', 121_000, 'unhealthy', ['NODE_NOT_READY']],
])('a node that is not ready and %s', (_when, age, health, codes) => {
  expect(saidOf({ age, ready: false })).toEqual([health, codes])
})
