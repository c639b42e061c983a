export interface Dependent {
  name: string
  /** Names of the services that must be healthy before this one is deployed. */
  needs: readonly string[]
}

/**
 * Groups services into waves: a wave starts when the one before it is healthy, its members run in parallel. Needs
 * outside the given list are taken as met, so that `--services api-gateway` deploys one service.
 * @throws {Error} naming the cycle when services need each other in a circle.
 */
export function wavesOf<T extends Dependent>(services: readonly T[]): T[][] {
  const waves: T[][] = []
  let left = [...services]
  while (left.length > 0) {
    const waiting = new Set(left.map((service) => service.name))
    const ready = left.filter((service) => !service.needs.some((need) => waiting.has(need)))
    if (ready.length === 0) throw new Error(`services need each other in a circle: ${circle(left)}`)
    waves.push(ready)
    left = left.filter((service) => !ready.includes(service))
  }
  return waves
}

/** Follows needs from any service that is left until one comes up again. */
function circle(left: readonly Dependent[]): string {
  const path: string[] = []
  let current: Dependent | undefined = left[0]
  while (current !== undefined && !path.includes(current.name)) {
    path.push(current.name)
    const needs: readonly string[] = current.needs
    current = left.find((service) => needs.includes(service.name))
  }
  const start = current === undefined ? 0 : path.indexOf(current.name)
  return [...path.slice(start), current?.name].join(' -> ')
}
