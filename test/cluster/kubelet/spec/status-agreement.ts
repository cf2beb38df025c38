import { isDeepStrictEqual } from 'node:util'
import type { PodStatus } from './pod-schema.ts'

/** Whether writing `wanted` would change nothing. The API server leaves empty fields out, or writes them as null. */
export function agrees(present: PodStatus, wanted: PodStatus): boolean {
  return Object.entries(wanted).every(([field, value]) =>
    isDeepStrictEqual(withoutEmpty(present[field]), withoutEmpty(value)),
  )
}

function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map(withoutEmpty)
  if (typeof value !== 'object' || value === null) return value === '' || value === null ? undefined : value
  const fields = Object.entries(value)
    .map(([name, one]) => [name, withoutEmpty(one)] as const)
    .filter(([, one]) => one !== undefined)
  return fields.length === 0 ? undefined : Object.fromEntries(fields)
}
