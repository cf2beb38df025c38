/**
 * Where `actual` does not say what `wanted` says, as a path; undefined when it says all of it. What `actual` has
 * beyond that, such as defaults that an API server filled in, is no difference.
 */
export function differenceFrom(actual: unknown, wanted: unknown, path = ''): string | undefined {
  if (Array.isArray(wanted)) {
    if (!Array.isArray(actual) || actual.length !== wanted.length) return path
    return firstOf(
      wanted.map((item, index) => [index, item]),
      (key) => actual[Number(key)],
      path,
    )
  }
  if (!isRecord(wanted)) return actual === wanted ? undefined : path
  // An API server leaves out what is empty.
  const found = isRecord(actual) ? actual : {}
  if (actual !== undefined && found !== actual) return path
  return firstOf(Object.entries(wanted), (key) => (Object.hasOwn(found, key) ? found[key] : undefined), path)
}

function firstOf(
  wanted: readonly (readonly [string | number, unknown])[],
  actual: (key: string | number) => unknown,
  path: string,
): string | undefined {
  for (const [key, value] of wanted) {
    if (value === undefined) continue
    const difference = differenceFrom(actual(key), value, path === '' ? `${key}` : `${path}.${key}`)
    if (difference !== undefined) return difference
  }
  return undefined
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
