/** Words as a line to paste into a shell, where each stays one word. */
export function shellLine(words: string[]): string {
  return words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ')
}

/** kubectl with what leads it to one cluster, whatever the current context is. */
export function kubectlLine({ kubeconfig, context }: { kubeconfig: string; context: string }): string {
  return shellLine(['kubectl', '--kubeconfig', kubeconfig, '--context', context])
}

/** The `emr set` that changes these values of a service. */
export function setLine(environment: string, service: string, change: Record<string, string>): string {
  const settings = Object.entries(change).map(([key, value]) => `${key}=${value}`)
  return shellLine(['emr', 'set', environment, service, ...settings])
}
