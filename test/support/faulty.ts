/** Faults that come from outside: none of them is a bug of emr. */
export interface Faults {
  /** Number of the call that fails, counted from 1; undefined for none. */
  at: number | undefined
  /** `lost answer`: the call does its work, and fails all the same. */
  kind: 'refused' | 'lost answer'
  error: () => unknown
  /** Every call so far: `helm.upgrade`. */
  calls: string[]
}

/** What asks nothing of the outside world. */
const PURE = new Set(['now', 'isTransient', 'on', 'once', 'off', 'emit', 'close'])

/**
 * Ports of which the n-th call fails. Whatever function a port has is counted, so that a call that is added to an
 * adapter is covered without an edit.
 */
export function faulty<T extends object>(target: T, faults: Faults, path = ''): T {
  return new Proxy(target, {
    get(object, key) {
      const value: unknown = Reflect.get(object, key)
      const name = [path, String(key)].filter(Boolean).join('.')
      if (value instanceof AbortSignal || key === 'environment') return value
      if (typeof value === 'function') {
        return PURE.has(String(key)) ? value.bind(object) : failing(value.bind(object), name, faults, value)
      }
      const isPort = typeof value === 'object' && value !== null && !Array.isArray(value)
      return isPort && path === '' ? faulty(value, faults, name) : value
    },
  })
}

function failing(
  call: (...args: unknown[]) => unknown,
  name: string,
  faults: Faults,
  original: object,
): (...args: unknown[]) => unknown {
  const isAsync = original.constructor.name === 'AsyncFunction'
  return (...args) => {
    faults.calls.push(name)
    const isIts = faults.calls.length === faults.at
    if (isIts && (faults.kind === 'refused' || !isAsync)) {
      if (isAsync) return Promise.reject(faults.error())
      throw faults.error()
    }
    const result = call(...args)
    if (isIts) return Promise.resolve(result).then(() => Promise.reject(faults.error()))
    const isPort = typeof result === 'object' && result !== null && !(result instanceof Promise)
    return isPort ? faulty(result, faults, name) : result
  }
}
