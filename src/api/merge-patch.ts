import { isDeepStrictEqual } from 'node:util'

/**
 * The RFC 7386 merge patch that makes `current` into `desired`; undefined when they are equal.
 * Fields of `current` that `desired` does not have become null. Arrays are replaced whole.
 */
export function mergePatchBetween(
  current: Readonly<Record<string, unknown>>,
  desired: Readonly<Record<string, unknown>>,
): Record<string, unknown> | undefined {
  const patch: Record<string, unknown> = {}
  for (const [field, value] of Object.entries(desired)) {
    const before = current[field]
    if (value === undefined) continue
    if (isPlainObject(value) && isPlainObject(before)) {
      const inner = mergePatchBetween(before, value)
      if (inner !== undefined) patch[field] = inner
    } else if (!isDeepStrictEqual(before, value)) {
      patch[field] = value
    }
  }
  for (const field of Object.keys(current)) {
    if (desired[field] === undefined && current[field] !== undefined) patch[field] = null
  }
  return Object.keys(patch).length === 0 ? undefined : patch
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
