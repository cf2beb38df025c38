import { clone, type Fields, isFields, PROTOTYPE_KEY } from '../json.ts'

/** RFC 7386. Neither argument is changed. */
export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (!isFields(patch)) return clone(patch)
  const result: Fields = isFields(target) ? { ...target } : {}
  for (const [name, value] of Object.entries(patch)) {
    if (name === PROTOTYPE_KEY) continue
    if (value === null) delete result[name]
    else result[name] = applyMergePatch(result[name], value)
  }
  return result
}
