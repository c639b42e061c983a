/** A new node is made ready by its kubelet within a minute or two. */
const NEW_NODE_MS = 120_000

/**
 * The statuses of an RDS instance in which it serves; one that is not known does not. `modifying` may end its connections for a
 * moment, as a failover does.
 * https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html#Overview.DBInstance.Status
 */
const SERVING = new Set([
  'available',
  'backing-up',
  'configuring-enhanced-monitoring',
  'configuring-iam-database-auth',
  'configuring-log-exports',
  'modifying',
  'resetting-master-credentials',
  'storage-initialization',
  'storage-optimization',
])

/** Whether a database serves, by its `DBInstanceStatus`. */
export function isServing(status: string): boolean {
  return SERVING.has(status)
}

/** A node that has just been made is not down yet. @param now epoch milliseconds */
export function nodeState(
  node: { ready: boolean; createdAt: number },
  now: number,
): 'ready' | 'joining' | 'down' {
  if (node.ready) return 'ready'
  return now - node.createdAt > NEW_NODE_MS ? 'down' : 'joining'
}
