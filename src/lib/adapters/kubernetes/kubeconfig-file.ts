import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { EmrError, ExitCode, messageOf } from '../../errors.ts'

/** As Go reads JSON: null is the empty value, and so is what is missing; a value of another type is an error. */
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '')
const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false)
/** Base64 as Go's decoder takes it: padded, line breaks allowed. */
const bytes = text.transform((value, context) => {
  const packed = value.replace(/[\r\n]/g, '')
  if (packed.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(packed)) return Buffer.from(packed, 'base64')
  context.addIssue('not valid base64')
  return z.NEVER
})
const texts = list(text)

function list<T extends z.ZodType>(entry: T) {
  return z
    .array(entry)
    .nullish()
    .transform((value) => value ?? [])
}

function orEmpty<T extends z.ZodObject>(schema: T) {
  return schema.nullish().transform((value) => value ?? schema.parse({}))
}

const execSchema = z.object({
  apiVersion: text,
  command: text,
  args: texts,
  env: list(orEmpty(z.object({ name: text, value: text }))),
  installHint: text,
  provideClusterInfo: flag,
  interactiveMode: text,
})

const clusterSchema = z.object({
  server: text,
  'tls-server-name': text,
  'insecure-skip-tls-verify': flag,
  'certificate-authority': text,
  'certificate-authority-data': bytes,
  'proxy-url': text,
  'disable-compression': flag,
  extensions: list(orEmpty(z.object({ name: text, extension: z.unknown() }))),
})

const userSchema = z.object({
  token: text,
  tokenFile: text,
  username: text,
  password: text,
  'client-certificate': text,
  'client-certificate-data': bytes,
  'client-key': text,
  'client-key-data': bytes,
  as: text,
  'as-uid': text,
  'as-groups': texts,
  'as-user-extra': z
    .record(z.string(), texts)
    .nullish()
    .transform((value) => value ?? {}),
  'auth-provider': z
    .object({
      name: text,
      config: z
        .record(z.string(), text)
        .nullish()
        .transform((value) => value ?? {}),
    })
    .nullish(),
  exec: execSchema.nullish(),
})

const contextSchema = z.object({ cluster: text, user: text })

const kubeconfigSchema = z.object({
  apiVersion: text.pipe(z.enum(['', 'v1'])),
  kind: text.pipe(z.enum(['', 'Config'])),
  clusters: list(orEmpty(z.object({ name: text, cluster: orEmpty(clusterSchema) }))),
  users: list(orEmpty(z.object({ name: text, user: orEmpty(userSchema) }))),
  contexts: list(orEmpty(z.object({ name: text, context: orEmpty(contextSchema) }))),
})

export type Exec = z.infer<typeof execSchema>
export type Cluster = z.infer<typeof clusterSchema>
export type User = z.infer<typeof userSchema>

/** One context of a kubeconfig: its cluster and its user, with paths that need no folder any more. */
export interface KubeconfigContext {
  cluster: Cluster
  user: User
  /** undefined where the file has no cluster or user of the name that the context gives. */
  clusterName: string | undefined
  userName: string | undefined
}

/**
 * Reads one context of a kubeconfig file as client-go does: YAML 1.1 or JSON, the whole file checked for its types,
 * paths relative to the file, `~` a name like any other.
 * @throws {EmrError} KUBECONFIG_INVALID (exit 4)
 */
export async function readContext(kubeconfig: string, context: string): Promise<KubeconfigContext> {
  const config = await readKubeconfig(kubeconfig)
  for (const [section, entries] of Object.entries(config))
    if (Array.isArray(entries)) assertUnique(kubeconfig, section, entries)
  const wanted = config.contexts.find((entry) => entry.name === context)
  if (wanted === undefined) {
    const known = config.contexts.map((entry) => entry.name).join(', ') || 'none'
    throw invalidKubeconfig(kubeconfig, `it has no context '${context}' (it has: ${known})`)
  }
  const cluster = config.clusters.find((entry) => entry.name === wanted.context.cluster)
  const user = config.users.find((entry) => entry.name === wanted.context.user)
  const folder = resolve(dirname(kubeconfig))
  return {
    cluster: withPaths(cluster?.cluster ?? clusterSchema.parse({}), folder),
    user: withPaths(user?.user ?? userSchema.parse({}), folder),
    clusterName: cluster?.name,
    userName: user?.name,
  }
}

/** What a YAML 1.1 or JSON text says, as Go's decoders see it. @throws {Error} without the text, which may be secret */
export function parseData(source: string): unknown {
  // Duplicate keys are no errors to Go, and times are text.
  const [document] = parseAllDocuments(source, {
    version: '1.1',
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
    customTags: (tags) =>
      tags.filter((tag) => typeof tag === 'string' || tag.tag !== 'tag:yaml.org,2002:timestamp'),
  })
  if (document === undefined || !('errors' in document)) return undefined
  const [error] = document.errors
  if (error) {
    const line = source.slice(0, error.pos[0]).split('\n').length
    throw new Error(`line ${line}: ${error.message.split('\n', 1)[0]}`)
  }
  return document.toJS()
}

/** @param why a clause after "cannot be used:" */
export function invalidKubeconfig(kubeconfig: string, why: string): EmrError {
  return new EmrError(`The kubeconfig ${kubeconfig} cannot be used: ${why}`, {
    code: 'KUBECONFIG_INVALID',
    exitCode: ExitCode.preflight,
    suggestions: [`kubectl --kubeconfig ${kubeconfig} config get-contexts`],
  })
}

async function readKubeconfig(kubeconfig: string) {
  try {
    return kubeconfigSchema.parse(parseData(await readFile(kubeconfig, 'utf8')) ?? {})
  } catch (error) {
    if (error instanceof z.ZodError) throw invalidKubeconfig(kubeconfig, z.prettifyError(error))
    throw invalidKubeconfig(kubeconfig, messageOf(error))
  }
}

function assertUnique(kubeconfig: string, section: string, entries: { name: string }[]): void {
  const names = entries.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined)
    throw invalidKubeconfig(kubeconfig, `its ${section} have two entries named '${twice}'`)
}

/** A command is a path only where it has a separator; else it is looked up in PATH. */
function withPaths<T extends Cluster | User>(entry: T, folder: string): T {
  const next: Record<string, unknown> = { ...entry }
  const absolute = (path: string) => (path === '' || path.startsWith('/') ? path : join(folder, path))
  for (const field of FILE_FIELDS) if (typeof next[field] === 'string') next[field] = absolute(next[field])
  const exec = next.exec as Exec | null | undefined
  if (exec?.command.includes('/')) next.exec = { ...exec, command: absolute(exec.command) }
  return next as T
}

/** Fields that name files, relative to the kubeconfig that they are in. */
export const FILE_FIELDS = ['certificate-authority', 'client-certificate', 'client-key', 'tokenFile']
