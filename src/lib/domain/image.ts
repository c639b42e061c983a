/** `v1.2.0` of `registry/repository:v1.2.0`; the digest where there is no tag. */
export function tagOf(image: string | undefined): string | undefined {
  return image?.split('/').at(-1)?.split(/[:@]/).slice(1).join(':')
}

/** `repository/app` of `registry.example/repository/app:v1.2.0`. */
export function repositoryOf(image: string): string {
  const slash = image.indexOf('/')
  const path = /[.:]/.test(image.slice(0, Math.max(0, slash))) ? image.slice(slash + 1) : image
  return path.split(/[:@]/, 1)[0] ?? path
}

/** The tag by which an image can be asked for again; undefined where it has none, or a digest decides. */
export function plainTagOf(image: string | undefined): string | undefined {
  return /:([\w][\w.-]*)$/.exec(image?.includes('@') ? '' : (image?.split('/').at(-1) ?? ''))?.[1]
}

/** `v1.2.0 → v1.3.0`, or just the version where it stays. */
export function versionChange(image: { before: string | undefined; after: string | undefined }): string {
  const before = tagOf(image.before)
  const after = tagOf(image.after) ?? ''
  return before === undefined || before === after ? after : `${before} → ${after}`
}
