import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { type Kubeconfig, mergeKubeconfigs } from '../adapters/kubernetes/merge-kubeconfig.ts'
import { writePrivateFile } from '../adapters/private-file.ts'
import { symbols, stdoutTheme as theme } from '../output/theme.ts'
import type { CommandContext, Report } from './base-command.ts'
import { clusterAccess } from './cluster-access.ts'
import { openSession, type SessionFlags } from './session.ts'

interface KubeconfigFlags extends SessionFlags {
  merge: boolean
}

interface Written {
  environment: string
  kubeconfig: string
  context: string
}

/** `emr kubeconfig`: a kubeconfig for one environment; the user's own file changes only when asked. */
export async function runKubeconfig(
  flags: KubeconfigFlags,
  { signal }: CommandContext,
): Promise<Report<Written>> {
  const session = await openSession(flags, signal)
  const { kubeconfig: made, context } = await clusterAccess(session, { start: true })
  const kubeconfig = flags.merge ? await merge(made) : made
  const { name, namespace } = session.environment
  const use = flags.merge ? '' : ` --kubeconfig ${kubeconfig}`
  const text = [
    `${theme.good(symbols.good)} ${name}: context ${context} in ${kubeconfig}`,
    `  next: kubectl${use} --context ${context} --namespace ${namespace} get pods`,
  ].join('\n')
  return { document: { environment: name, kubeconfig, context }, text }
}

/** Adds the entries to the file that kubectl reads, and leaves its current context. */
async function merge(from: string): Promise<string> {
  const target = process.env.KUBECONFIG?.split(':')[0] || join(homedir(), '.kube', 'config')
  const existing = await readFile(target, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  const added = parse(await readFile(from, 'utf8')) as Kubeconfig
  await writePrivateFile(target, stringify(mergeKubeconfigs((parse(existing) ?? {}) as Kubeconfig, added)))
  return target
}
