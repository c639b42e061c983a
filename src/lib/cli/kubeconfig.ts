import { readFile, realpath } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { mergeContext } from '../adapters/kubernetes/merge-kubeconfig.ts'
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
  const kubeconfig = flags.merge ? await merge(made, context) : made
  const { name, namespace } = session.environment
  const use = flags.merge ? '' : ` --kubeconfig ${kubeconfig}`
  const text = [
    `${theme.good(symbols.good)} ${name}: context ${context} in ${kubeconfig}`,
    `  next: kubectl${use} --context ${context} --namespace ${namespace} get pods`,
  ].join('\n')
  return { document: { environment: name, kubeconfig, context }, text }
}

/**
 * Adds the context to the file that kubectl reads, and leaves its current context. The file as it was is kept beside it.
 * @returns where the context is now
 */
async function merge(from: string, context: string): Promise<string> {
  const named = process.env.KUBECONFIG?.split(delimiter).find(Boolean) ?? join(homedir(), '.kube', 'config')
  // A link stays a link: what it points to is replaced.
  const path = await realpath(named).catch(() => named)
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  const merged = mergeContext({ path, text }, { path: from, text: await readFile(from, 'utf8') }, context)
  if (merged === text) return path
  if (text !== '') await writePrivateFile(`${path}.before-emr`, text)
  await writePrivateFile(path, merged)
  return path
}
