/** Major, minor and patch; anything after them (pre-release, vendor suffix) does not count. */
export type Version = readonly [major: number, minor: number, patch: number]

/** Reads the first `v1.28.3` or `1.28` in a text; undefined when there is none. */
export function parseVersion(text: string): Version | undefined {
  const match = /v?(\d+)\.(\d+)(?:\.(\d+))?/.exec(text)
  return match ? [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)] : undefined
}

/** Negative, zero or positive, as for Array.sort. */
export function compareVersions(a: Version, b: Version): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2]
}

export function formatVersion(version: Version): string {
  return version.join('.')
}
