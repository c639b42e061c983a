/** The file format of kubectl, as far as merging needs it. */
export interface Kubeconfig extends Record<string, unknown> {
  clusters?: { name: string }[] | null
  users?: { name: string }[] | null
  contexts?: { name: string }[] | null
  'current-context'?: string
}

/** One kubeconfig with the entries of another in it: same names are replaced, the current context stays. */
export function mergeKubeconfigs(own: Kubeconfig, added: Kubeconfig): Kubeconfig {
  const section = (key: 'clusters' | 'users' | 'contexts') => {
    const names = new Set((added[key] ?? []).map(({ name }) => name))
    return [...(own[key] ?? []).filter(({ name }) => !names.has(name)), ...(added[key] ?? [])]
  }
  return {
    apiVersion: 'v1',
    kind: 'Config',
    ...own,
    clusters: section('clusters'),
    users: section('users'),
    contexts: section('contexts'),
  }
}
