import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { releaseFacts } from '../../../../src/lib/adapters/kubernetes/release-facts.ts'

const base64 = (data: string | Buffer) => Buffer.from(data).toString('base64')
const secret = (release: string | Buffer) => ({
  metadata: { name: 'sh.helm.release.v1.app.v1' },
  data: { release: base64(base64(release)) },
})
const releaseOf = (manifest: string) => {
  return releaseFacts(secret(gzipSync(JSON.stringify({ name: 'app', namespace: 'emr', manifest }))))
}

/** As charts write them: keys in any order, lists that are not indented, texts that look like keys. */
const manifest = `---
# Source: app/templates/secret.yaml
apiVersion: v1
data:
  kind: Ingress
  password: aHVudGVyMg==
kind: Secret
metadata:
  annotations:
    note: |
      name: nobody

      kind: nothing
  labels:
    name: other
  name: "app"
type: Opaque
---
kind: Role
apiVersion: rbac.authorization.k8s.io/v1
rules:
- apiGroups: [""]
  resources: [pods]
metadata:
    name: 'reader' # not the writer
    namespace: emr
---
{ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "json", "labels": { "name": "x" } } }
---
kind: NetworkPolicy
metadata: { name: elsewhere, namespace: kube-system }
---
# Nothing but a comment.
---
kind: Ingress
metadata:
  name: last
spec:
  rules: []`

test('of a release, its kinds and names are kept', () => {
  expect(releaseOf(manifest)).toEqual({
    name: 'app',
    objects: [
      { kind: 'Secret', name: 'app' },
      { kind: 'Role', name: 'reader' },
      { kind: 'ConfigMap', name: 'json' },
      { kind: 'Ingress', name: 'last' },
    ],
  })
})

test.each([
  ['no gzip', 'password: hunter2'],
  ['no JSON', gzipSync('password: hunter2')],
  ['no release', gzipSync(JSON.stringify({ password: 'hunter2' }))],
  ['no YAML', gzipSync(JSON.stringify({ name: 'app', namespace: 'emr', manifest: 'metadata: {hunter2' }))],
])('what is not as helm makes it is not told: %s', (_, release) => {
  const message = 'The Secret sh.helm.release.v1.app.v1 holds no release that emr can read'
  let thrown: unknown
  try {
    releaseFacts(secret(release))
  } catch (error) {
    thrown = error
  }
  expect(thrown).toMatchObject({ message, code: 'RELEASE_UNREADABLE', cause: undefined })
})
