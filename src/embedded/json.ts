/** JSON values as they come over the wire, and the few operations that everything here is made of. */
export type Fields = Record<string, unknown>

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {}
}

export function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

export function textsOf(value: unknown): string[] {
  return listOf(value).filter((item) => typeof item === 'string')
}

export function clone<T>(value: T): T {
  return structuredClone(value)
}

/** Reads own properties only: a path such as `toString.call` must lead nowhere. */
export function valueAt(value: unknown, ...path: string[]): unknown {
  let current = value
  for (const step of path) {
    if (!isFields(current) || !Object.hasOwn(current, step)) return undefined
    current = current[step]
  }
  return current
}

/** Equal as JSON: the order of keys does not matter, and a key that is undefined is a key that is absent. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false
    return a.every((item, index) => sameJson(item, b[index]))
  }
  if (!isFields(a) || !isFields(b)) return false
  const keysOfB = Object.keys(b).filter((key) => b[key] !== undefined)
  const keysOfA = Object.keys(a).filter((key) => a[key] !== undefined)
  if (keysOfA.length !== keysOfB.length) return false
  return keysOfA.every((key) => Object.hasOwn(b, key) && sameJson(a[key], b[key]))
}

export function omit(object: Fields, ...names: string[]): Fields {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)))
}
