import { EMBEDDED_PACKAGES, embeddedTool } from '../../src/lib/adapters/tools/embedded.ts'

/** The majors of helm that people use; their renderings, checks and messages differ. */
export const helmMajors = ['3', '4'] as const
export type HelmMajor = (typeof helmMajors)[number]

/** The helm of one major that an npm package brings. */
export function helmBinary(major: HelmMajor): Promise<string> {
  return embedded('helm', major)
}

/** The kubectl that comes in the same package as helm of this major: 1.32 with 3, 1.34 with 4. */
export function kubectlBinary(major: HelmMajor): Promise<string> {
  return embedded('kubectl', major)
}

async function embedded(name: 'helm' | 'kubectl', major: HelmMajor): Promise<string> {
  const from = EMBEDDED_PACKAGES[major === '4' ? 0 : 1]
  const path = await embeddedTool(name, from)
  if (path === undefined) throw new Error(`${from} is not installed, or its ${name} does not run here`)
  return path
}
