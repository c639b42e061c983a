import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { mergeContext } from '../../../../src/lib/adapters/kubernetes/merge-kubeconfig.ts'
import { OWN_KUBECONFIG } from '../../../support/kubeconfig.ts'

const FROM = {
  path: '/project/.emr/kubeconfig/staging.yaml',
  text: `apiVersion: v1
kind: Config
clusters:
  - name: emr-platform-staging
    cluster: { server: https://staging.example, certificate-authority: ca.pem }
users:
  - name: emr-platform-staging
    user: { exec: { command: aws } }
  - name: somebody-else
    user: {}
contexts:
  - name: emr-staging
    context: { cluster: emr-platform-staging, user: emr-platform-staging }
current-context: emr-staging
`,
}

const merge = (text: string) => mergeContext({ path: '/home/me/.kube/config', text }, FROM, 'emr-staging')

describe('a context in a kubeconfig of somebody', () => {
  test('comes in beside the others; comments, order and current context stay', () => {
    const merged = merge(OWN_KUBECONFIG)
    // What was there before is still there, line by line and in the same order.
    const lines = merged.split('\n')
    for (const line of OWN_KUBECONFIG.split('\n')) {
      expect(lines).toContain(line)
      lines.splice(0, lines.indexOf(line) + 1)
    }
    const read = parse(merged)
    expect(Object.keys(read)).toEqual(Object.keys(parse(OWN_KUBECONFIG)))
    expect(read['current-context']).toBe('home')
    const names = (section: string) => read[section].map(({ name }: { name: string }) => name)
    expect(names('clusters')).toEqual(['home', 'emr-platform-staging'])
    expect(names('contexts')).toEqual(['home', 'emr-staging'])
    // Only what the context needs.
    expect(names('users')).toEqual(['me', 'emr-platform-staging'])
  })
  test('replaces one of its name, and names files by their whole path', () => {
    const old = '- {name: emr-platform-staging, cluster: {server: https://old.example}}'
    const { clusters } = parse(merge(OWN_KUBECONFIG.replace('clusters:\n', `clusters:\n${old}\n`)))
    expect(clusters[0].cluster).toEqual({
      server: 'https://staging.example',
      'certificate-authority': '/project/.emr/kubeconfig/ca.pem',
    })
  })
  test('merged again changes nothing', () => {
    const once = merge(OWN_KUBECONFIG)
    expect(merge(once)).toBe(once)
  })
  test('makes a file where there is none, and lists where they are empty', () => {
    for (const text of ['', 'apiVersion: v1\nkind: Config\nclusters: []\nusers: null\n']) {
      const read = parse(merge(text))
      expect(read).toMatchObject({ apiVersion: 'v1', kind: 'Config', contexts: [{ name: 'emr-staging' }] })
      expect(read.users).toHaveLength(1)
    }
  })
  test.each([
    ['clusters: {', 'Flow map'],
    ['- a\n- b\n', 'no mapping'],
    ['clusters: { a: 1 }\n', 'clusters are no list'],
  ])('is not put into what is no kubeconfig: %j', (text, why) => {
    expect(() => merge(text)).toThrow(why)
  })
})
