/** `v1.2.0` of `registry/repository:v1.2.0`; the digest where there is no tag. */
export function tagOf(image: string | undefined): string | undefined {
  return image?.split('/').at(-1)?.split(/[:@]/).slice(1).join(':')
}

/** `v1.2.0 → v1.3.0`, or just the version where it stays. */
export function versionChange(image: { before: string | undefined; after: string | undefined }): string {
  const before = tagOf(image.before)
  const after = tagOf(image.after) ?? ''
  return before === undefined || before === after ? after : `${before} → ${after}`
}
