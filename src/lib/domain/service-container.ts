/** As much of a pod template as tells its containers apart. */
export interface Template {
  metadata?: { annotations?: Record<string, string> }
  spec?: { containers: { name: string; image?: string }[] }
}

/**
 * The container that is the service itself: the one that the pod template declares as its default, else the one with the
 * service's name, as the charts have it; a sidecar may stand before it.
 */
export function serviceContainer(
  { metadata, spec }: Template,
  service: string | undefined,
): { name: string; image?: string } | undefined {
  const declared = metadata?.annotations?.['kubectl.kubernetes.io/default-container']
  const named = (name: string | undefined) => spec?.containers.find((each) => each.name === name)
  return named(declared) ?? named(service) ?? spec?.containers[0]
}
